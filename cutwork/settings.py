"""Settings, and the only reader of the environment: flag, then environment, then `cutwork.toml` here, then default.

    Settings()                   what applies without flags
    Settings(rounds=2)           a flag; None counts as not given
    explain(settings)            each value and where it came from, secrets hidden

With no key and no base URL the offline planner answers. With `OPENAI_API_KEY` or `OPENAI_BASE_URL` set and no `CUTWORK_LLM`,
`llm` is `openai:gpt-5-mini`; a server of your own usually wants `CUTWORK_LLM=openai:<its model>`.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from cutwork.domain import TECHNIQUES
from cutwork.errors import BadInput, BadSetting, NotConfigured

PREFIX = "CUTWORK_"
FILE = "cutwork.toml"
WELL_KNOWN = ("openai_api_key", "openai_base_url", "hf_home")  # read under their own names, without our prefix
HIDDEN = "********"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]


def _reachable(address: str) -> str:
    """An address that an HTTP client can read: what it cannot read it refuses in ways of its own, much later."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:  # not said which: it may quote a part of the password
        host, port = "", None
    if not host or port == 0 or not address.isprintable():
        raise ValueError("a whole address, such as http://localhost:8080/v1")
    return address


WebAddress = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^https?://\S+$"), AfterValidator(_reachable)]
Device = Annotated[str, StringConstraints(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")]
Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Offload = Literal["none", "model", "group"]
Quantize = Literal["none", "float8", "int8"]


def _techniques(names: str) -> str:
    """Names with commas between, each of them known."""
    unknown = {name.strip() for name in names.split(",")} - set(TECHNIQUES)
    if unknown:
        raise ValueError(f"{', '.join(TECHNIQUES)}, with commas between")
    return names


Techniques = Annotated[Text, AfterValidator(_techniques)]


class Settings(BaseSettings):
    """Everything that can be set.

    Raises:
        BadInput: if a flag cannot be used; it names the key, the value and where it came from.
        BadSetting: if that came from the environment or `cutwork.toml`, or that file has an unknown key.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, toml_file=FILE, allow_inf_nan=False)

    openai_api_key: SecretStr | None = Field(None, validation_alias="openai_api_key", description="key of the OpenAI-compatible server")
    openai_base_url: WebAddress | None = Field(None, validation_alias="openai_base_url", repr=False, description="its address, if not OpenAI's")
    hf_home: Path | None = Field(None, validation_alias="hf_home", description="where Hugging Face keeps downloaded weights")
    home: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("cutwork", appauthor=False)), description="folder of the database and blobs")
    database_url: Text = Field(default_factory=lambda data: f"sqlite:///{data['home'] / 'cutwork.db'}", repr=False, description="any SQLAlchemy URL")
    model: Text = Field("mini", description="the model that draws: mini, a Hugging Face name, a folder or a single file")
    model_parts: Text | None = Field(None, description="folder or Hugging Face name with what a single file lacks: tokenizers, text encoders, autoencoder")
    llm: Text = Field(default_factory=lambda data: _default_llm(data), description="the language model that plans: offline, openai:<model>, or replay:<file>")
    llm_timeout: float = Field(60.0, gt=0, le=3_600, description="seconds to wait for one answer")
    llm_retries: int = Field(2, ge=0, le=10, description="times a failed request is sent again")
    llm_sees: bool | None = Field(None, description="whether the language model looks at images; not set means find out")
    record: Path | None = Field(None, description="file to which every question to the language model and its answer is added")
    rounds: int = Field(4, ge=1, le=10, description="times at most a design is drawn")
    time_budget_s: float = Field(600.0, gt=0, le=7 * 86_400, description="seconds after which the best round so far is delivered")
    early_verdict: bool = Field(True, description="stop drawing an image that is already hopeless")
    approve: bool = Field(False, description="ask before drawing a plan")
    host: Text = Field("127.0.0.1", description="address that `cutwork serve` binds to; others than loopback want a token")
    port: int = Field(8765, ge=0, le=65_535, description="port that `cutwork serve` binds to; 0 takes any that is free")
    hosts: Text | None = Field(None, description="other names by which the service is reached on loopback, with commas between")
    origins: Text | None = Field(None, description="pages of other sites that may use the service, with commas between")
    workers: int = Field(1, ge=1, le=64, description="runs that the service works on at once; drawing itself is one at a time")
    drawing_process: bool = Field(True, description="whether the service draws in a process of its own, so that answers need not wait for it")
    events_days: int = Field(30, ge=0, le=36_500, description="days for which is kept what happened in runs of the service that have ended; 0 keeps it for good")
    device: Device = Field("auto", description="auto, cpu, mps, cuda or cuda:N")
    dtype: Dtype = Field("auto", description="what it computes in: float32, bfloat16, float16; auto is bfloat16 on CUDA, else float32")
    offload: Offload = Field("none", description="weights that wait outside the device: none, whole models, or groups of layers")
    quantize: Quantize = Field("none", description="one byte a weight: float8, or int8 with torchao")
    vae_tiling: bool = Field(False, description="decode large pictures tile by tile")
    attention_backend: Text | None = Field(None, description="attention of passes without control, as diffusers names it; not set means torch's own")
    threads: int | None = Field(None, ge=1, le=1_024, description="CPU threads for drawing; not set means all that nobody else wants")
    steps: int | None = Field(None, ge=1, le=200, description="denoising steps; not set means what suits the model")
    guidance: float | None = Field(None, ge=1, le=30, description="guidance scale; not set means what suits the model")
    technique: Techniques | None = Field(None, description="what else acts on the drawing, with commas between: self-cross, erg, …")
    lora: Text | None = Field(None, description="LoRA weights, with commas between: a file, folder or Hugging Face name, and =0.8 for how much it counts")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    def __init__(self, **flags: Any) -> None:
        given = {key: value for key, value in flags.items() if value is not None}
        _refuse_unknown(given, "flag")
        origins = _origins(type(self), given)
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise _plain(error, origins) from None  # pydantic's own error may quote a secret
        self._origins = origins

    @property
    def blobs(self) -> Path:
        """The folder of files named by content hash."""
        return self.home / "blobs"

    @field_validator("home", "hf_home", "record")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path and path.expanduser().absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def explain(settings: Settings) -> list[tuple[str, str, str]]:
    """Each setting with its value as it may be shown and its origin: "flag", "env CUTWORK_X", "cutwork.toml (path)" or "default"."""
    return [(key, _shown(getattr(settings, key)), settings._origins.get(key) or _default_origin(settings, key)) for key in Settings.model_fields]


def strays() -> list[tuple[str, str | None]]:
    """Variables that begin with our prefix but set nothing, each with the name it may have meant."""
    known = [_variable(key) for key in Settings.model_fields]
    return [(name, _nearest(name, known)) for name in sorted(name.upper() for name in _environment()) if name.startswith(PREFIX) and name not in known]


def place_downloads(settings: Settings) -> None:
    """Let Hugging Face's libraries keep weights where `hf_home` says. They read the environment once, when first imported.

    Raises:
        NotConfigured: if they were imported before with another folder.
    """
    if settings.hf_home is None:
        return
    loaded = sys.modules.get("huggingface_hub.constants")
    kept = getattr(loaded, "HF_HOME", None)
    if kept is not None and Path(kept).absolute() != settings.hf_home:
        raise NotConfigured(
            f"hf_home is {settings.hf_home}, but huggingface_hub was imported before and keeps weights in {kept}",
            "make the Studio before that import, or set HF_HOME before Python starts",
        )
    os.environ["HF_HOME"] = str(settings.hf_home)


def _default_llm(data: dict[str, Any]) -> str:
    return "openai:gpt-5-mini" if data.get("openai_api_key") or data.get("openai_base_url") else "offline"


def _default_origin(settings: Settings, key: str) -> str:
    because = next((_variable(name) for name in WELL_KNOWN[:2] if key == "llm" and getattr(settings, name)), None)
    return f"default, because {because} is set" if because else "default"


def _environment() -> set[str]:
    """Names, lower case, of the variables that are set and not empty."""
    return {name.lower() for name, value in EnvSettingsSource(Settings).env_vars.items() if value}


def _variable(key: str) -> str:
    return key.upper() if key in WELL_KNOWN else f"{PREFIX}{key.upper()}"


def _origins(settings: type[Settings], flags: dict[str, Any]) -> dict[str, str]:
    """Where each value that is not a default comes from: the strongest source is looked at last."""
    path = Path(FILE).absolute()
    file, environment = _read_file(path), _environment()
    _refuse_unknown(file, f"{FILE} ({path})")
    return (
        dict.fromkeys(file, f"{FILE} ({path})")
        | {key: f"env {_variable(key)}" for key in settings.model_fields if _variable(key).lower() in environment}
        | dict.fromkeys(flags, "flag")
    )


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path} is not TOML: {error}", 'a line looks like: model = "mini"') from error
    except OSError as error:
        raise BadSetting(f"{path} cannot be read: {error.strerror}") from error


def _refuse_unknown(given: dict[str, Any], origin: str) -> None:
    known = list(Settings.model_fields)
    for key in given:
        if key not in known:
            near = _nearest(key, known)
            kind = BadInput if origin == "flag" else BadSetting
            raise kind(f"{origin} has the unknown setting {key!r}" + (f"; did you mean {near!r}?" if near else ""), f"there are {', '.join(sorted(known))}")


def _nearest(name: str, known: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)


def _plain(error: ValidationError, origins: dict[str, str]) -> BadInput:
    """Each wrong value with its key, what is wanted and where it came from."""
    lines, kind = [], BadInput
    for fault in error.errors():
        if fault["type"] == "default_factory_not_called":  # only says that another field is wrong
            continue
        key = str(fault["loc"][0])
        field = Settings.model_fields.get(key)
        value = HIDDEN if field is None or key in ("openai_api_key",) else masked(repr(fault["input"]))
        lines.append(f"{key} = {value} from {origins.get(key, 'default')}: wanted {_wanted(dict(fault))}" + (f" ({field.description})" if field else ""))
        if origins.get(key) != "flag":
            kind = BadSetting
    return kind("; ".join(lines))


def _wanted(fault: dict[str, Any]) -> str:
    text = "another form" if fault["type"] == "string_pattern_mismatch" else re.sub(r"^(Input|String|Value error,) should (be )?", "", fault["msg"])
    return text.removeprefix("Value error, ")


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    return HIDDEN if isinstance(value, SecretStr) else masked(str(value))


def masked(text: str) -> str:
    """Text with the passwords and keys of URLs in it hidden, and whatever else looks like a key."""
    text = re.sub(r"(://[^/@\s]*?:)\S*@", rf"\1{HIDDEN}@", text)
    text = re.sub(r"(https?://)[^/@:\s]+@", rf"\1{HIDDEN}@", text)  # a name alone is a token
    text = re.sub(r"([?&][^=&\s]*(?:key|token|secret|password)[^=&\s]*=)[^&\s]+", rf"\1{HIDDEN}", text, flags=re.IGNORECASE)
    return re.sub(r"\b(Bearer\s+|sk-)[\w.~+/-]{6,}=*", rf"\1{HIDDEN}", text, flags=re.IGNORECASE)
