"""Settings: which source wins, what is refused, and what is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cutwork.errors import BadInput, BadSetting
from cutwork.settings import HIDDEN, Settings, explain, masked, strays


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUTWORK_HOME", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)


def toml(text: str) -> None:
    Path("cutwork.toml").write_text(text)


def origins(settings: Settings) -> dict[str, str]:
    return {key: origin for key, _, origin in explain(settings)}


def shown(settings: Settings) -> dict[str, str]:
    return {key: value for key, value, _ in explain(settings)}


def test_defaults() -> None:
    settings = Settings()
    assert (settings.model, settings.llm, settings.rounds, settings.time_budget_s, settings.device) == ("mini", "offline", 4, 600, "auto")
    assert (settings.early_verdict, settings.approve, settings.threads, settings.steps, settings.guidance) == (True, False, None, None, None)
    assert settings.home.name == "cutwork"
    assert settings.home.is_absolute()
    assert settings.database_url == f"sqlite:///{settings.home}/cutwork.db"
    assert settings.blobs == settings.home / "blobs"
    assert set(origins(settings).values()) == {"default"}


def test_flag_beats_environment_beats_file_beats_default(monkeypatch: pytest.MonkeyPatch) -> None:
    toml('rounds = 2\nsteps = 5\nmodel = "file"\n')
    monkeypatch.setenv("CUTWORK_ROUNDS", "3")
    monkeypatch.setenv("CUTWORK_MODEL", "env")
    settings = Settings(model="flag")
    assert (settings.model, settings.rounds, settings.steps, settings.threads) == ("flag", 3, 5, None)
    found = origins(settings)
    assert (found["model"], found["rounds"], found["threads"]) == ("flag", "env CUTWORK_ROUNDS", "default")
    assert found["steps"] == f"cutwork.toml ({Path('cutwork.toml').absolute()})"


def test_a_flag_that_is_none_was_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTWORK_MODEL", "env")
    settings = Settings(model=None)
    assert (settings.model, origins(settings)["model"]) == ("env", "env CUTWORK_MODEL")


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTWORK_MODEL", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    settings = Settings()
    assert (settings.model, settings.llm, origins(settings)["model"]) == ("mini", "offline", "default")


@pytest.mark.parametrize(("name", "value"), [("OPENAI_API_KEY", "sk-1"), ("OPENAI_BASE_URL", "http://localhost:8080/v1")])
def test_a_key_or_an_address_turns_the_language_model_on(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert Settings().llm == "openai:gpt-5-mini"
    assert origins(Settings())["llm"] == f"default, because {name} is set"
    assert origins(Settings())[name.lower()] == f"env {name}"
    monkeypatch.setenv("CUTWORK_LLM", "offline")
    assert (Settings().llm, origins(Settings())["llm"]) == ("offline", "env CUTWORK_LLM")


def test_well_known_names_are_not_read_with_our_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTWORK_OPENAI_API_KEY", "sk-1")
    assert Settings().openai_api_key is None
    assert strays() == [("CUTWORK_OPENAI_API_KEY", "OPENAI_API_KEY")]


def test_secrets_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:sk-secret@host/v1")
    monkeypatch.setenv("CUTWORK_DATABASE_URL", "postgresql://me:sk-secret@host/name")
    settings = Settings()
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "sk-secret"
    assert "sk-secret" not in f"{settings!r} {settings} {explain(settings)}"
    assert shown(settings)["database_url"] == f"postgresql://me:{HIDDEN}@host/name"
    assert shown(settings)["openai_api_key"] == HIDDEN


def test_a_bad_value_beside_a_secret_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    toml('openai_api_key = ["sk-secret"]\nopenai_base_url = "ftp://me:sk-secret@host"\n')
    with pytest.raises(BadInput) as caught:
        Settings()
    assert "sk-secret" not in str(caught.value)
    assert "openai_base_url" in str(caught.value)


def test_home_moves_the_database_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUTWORK_HOME", "here")
    settings = Settings()
    assert settings.home == tmp_path / "here"
    assert settings.database_url == f"sqlite:///{tmp_path}/here/cutwork.db"
    monkeypatch.setenv("CUTWORK_HOME", "~/cw")
    assert Settings().home == Path.home() / "cw"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("rounds", "0", "greater than or equal to 1"),
        ("rounds", "11", "less than or equal to 10"),
        ("rounds", "many", "a valid integer"),
        ("steps", "1.5", "a valid integer"),
        ("guidance", "nan", "a finite number"),
        ("time_budget_s", "-1", "greater than 0"),
        ("time_budget_s", "inf", "a finite number"),
        ("early_verdict", "perhaps", "a valid boolean"),
        ("device", "gpu", "auto, cpu, mps, cuda or cuda:N"),
        ("threads", "0", "greater than or equal to 1"),
        ("model", "  ", "at least 1 character"),
        ("dtype", "half", "'auto', 'float32', 'bfloat16' or 'float16'"),
        ("offload", "cpu", "'none', 'model' or 'group'"),
        ("quantize", "4bit", "'none', 'float8' or 'int8'"),
        ("vae_tiling", "some", "a valid boolean"),
        ("attention_backend", " ", "at least 1 character"),
    ],
)
def test_a_bad_value_is_named_with_its_origin(monkeypatch: pytest.MonkeyPatch, key: str, value: str, said: str) -> None:
    monkeypatch.setenv(f"CUTWORK_{key.upper()}", value)
    with pytest.raises(BadInput) as caught:
        Settings()
    assert str(caught.value).startswith(f"{key} = {value!r} from env CUTWORK_{key.upper()}: wanted ")
    assert said in str(caught.value)


def test_a_bad_value_in_the_file_names_the_file() -> None:
    toml("rounds = 99")
    with pytest.raises(BadInput, match=r"rounds = 99 from cutwork.toml \(/.*cutwork.toml\): wanted"):
        Settings()


def test_a_bad_flag_is_refused_though_the_file_is_fine() -> None:
    toml("rounds = 2")
    with pytest.raises(BadInput, match="rounds = 99 from flag"):
        Settings(rounds=99)


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(BadInput, match=r"rounds = 99.*steps = 0"):
        Settings(rounds=99, steps=0)


def test_an_unknown_key_in_the_file_is_named_with_what_it_may_have_meant() -> None:
    toml('modle = "mini"')
    with pytest.raises(BadInput, match=r"cutwork.toml \(.*\) has the unknown setting 'modle'; did you mean 'model'\?"):
        Settings()


def test_an_unknown_flag_is_named() -> None:
    with pytest.raises(BadInput, match=r"flag has the unknown setting 'zzz'$"):
        Settings(zzz=1)


def test_a_file_that_is_not_toml_is_named() -> None:
    toml("model = mini")
    with pytest.raises(BadInput, match=r"cutwork.toml is not TOML: .*line 1"):
        Settings()
    Path("cutwork.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="is not TOML"):
        Settings()


def test_a_folder_in_the_files_place_is_named() -> None:
    Path("cutwork.toml").mkdir()
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        Settings()


def test_misspelt_variables_can_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUTWORK_MODLE", "x")
    monkeypatch.setenv("CUTWORK_MODEL", "x")
    assert strays() == [("CUTWORK_MODLE", "CUTWORK_MODEL")]


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().rounds = 5


def test_importing_them_imports_nothing_heavy() -> None:
    code = "import sys, cutwork.settings; print([m for m in ('torch', 'sqlalchemy', 'langchain_core', 'numpy', 'alembic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_fault_does_not_drag_in_the_defaults_that_hang_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "garbage")
    with pytest.raises(BadInput) as caught:
        Settings()
    assert "OPENAI_BASE_URL" in str(caught.value)
    assert "PydanticUndefined" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://user:topsecret@127.0.0.1:9/v1", "http://127.0.0.1/v1?api_key=topsecret&x=1"])
def test_secrets_in_urls_are_never_shown(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert "topsecret" not in shown(Settings())["openai_base_url"]
    assert HIDDEN in shown(Settings())["openai_base_url"]


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://", "http:///v1", "http://h:99999/v1", "http://h:port/v1", "http://h:0/v1", "http://a..b/v1", "http://a b/v1", "ftp://h", "h:80", "http://h/\x7f"],
)
def test_an_address_that_is_none_is_bad_configuration(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(BadSetting, match="from env OPENAI_BASE_URL: wanted") as caught:
        Settings()
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:8080/v1", "https://[::1]:8080/v1", "http://me:pass@h/v1", "http://under_score/v1", "http://bücher.example/v1"])
def test_an_address_that_is_one_is_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    assert Settings().openai_base_url == url


def test_a_bad_flag_is_usage_and_a_bad_variable_is_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput) as caught:
        Settings(rounds=99)
    assert caught.value.exit_code == 2
    monkeypatch.setenv("CUTWORK_ROUNDS", "99")
    with pytest.raises(BadSetting) as caught:
        Settings()
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("url", ["http://me:top/secret@host", "http://me:topsecret@[::1", "http://me:topsecret@h:port", "http://topsecret@h:port"])
def test_an_address_that_is_refused_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(BadSetting) as caught:
        Settings()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["https://topsecret@host/v1", "http://me:top@secret@host", "Bearer topsecret123", "key sk-proj-topsecret_123 is wrong", "http://h/?access_token=topsecret"],
)
def test_what_looks_like_a_key_is_masked(text: str) -> None:
    assert "secret" not in masked(text)
    assert HIDDEN in masked(text)


@pytest.mark.parametrize("text", ["postgresql://me@host/name", "http://localhost:8080/v1", "a task-force", "me@example.com", "sqlite:////home/me/x.db"])
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert masked(text) == text


HUB = """
import sys
from cutwork.settings import Settings
from cutwork.wiring import Wired
Wired(Settings(**eval(sys.argv[1])))
from huggingface_hub.constants import HF_HOME, HF_HUB_CACHE
print(HF_HOME, HF_HUB_CACHE)
"""


@pytest.mark.parametrize(
    ("flags", "env", "wanted"), [({}, {}, "file"), ({}, {"HF_HOME": "env"}, "env"), ({"hf_home": "flag"}, {"HF_HOME": "env"}, "flag")], ids=["file", "env", "flag"]
)
def test_weights_are_kept_where_hf_home_says(tmp_path: Path, flags: dict[str, str], env: dict[str, str], wanted: str) -> None:
    toml('hf_home = "file"\n')
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("HF_HO", "HF_HUB_C"))}
    result = subprocess.run([sys.executable, "-c", HUB, repr(flags)], capture_output=True, text=True, env=plain | env, check=False)
    assert result.stdout.split() == [str(tmp_path / wanted), str(tmp_path / wanted / "hub")], result.stderr


LATE = """
import huggingface_hub.constants
from cutwork.errors import NotConfigured
from cutwork.settings import Settings
from cutwork.wiring import Wired
wired = Wired(Settings(hf_home="late", llm="offline"))
assert wired.drawing.model == "mini"
try:
    wired.drawing_for(wired.terms("black-forest-labs/FLUX.1-schnell"))
except NotConfigured as error:
    print(error)
"""


def test_an_hf_home_that_comes_too_late_is_said(tmp_path: Path) -> None:
    result = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=False)
    assert f"hf_home is {tmp_path / 'late'}, but huggingface_hub was imported before" in result.stdout, result.stderr


def test_techniques_and_loras_reach_the_drawing(home: Path, tmp_path: Path) -> None:
    from cutwork.wiring import draw_settings

    style = tmp_path / "style.safetensors"
    style.touch()

    draw = draw_settings(Settings(technique="self-cross, erg", lora=f"{style}=0.5,owner/name", steps=7))
    assert draw.self_cross is not None
    assert draw.erg is not None
    assert [(lora.path, lora.weight) for lora in draw.loras] == [(str(style), 0.5), ("owner/name", 1.0)]
    assert draw.steps == 7
    assert draw.techniques == ("regional", "erg", "record", "self_cross")
    with pytest.raises(BadInput, match=r"wanted self-cross, .*with commas between"):
        Settings(technique="erg,nonesuch")
    with pytest.raises(BadInput, match=r"'style=much' is not a LoRA"):
        draw_settings(Settings(lora="style=much"))
    for gone in ("gone.safetensors", "./gone=0.5", str(tmp_path / "gone")):
        with pytest.raises(BadInput, match="there is no LoRA"):
            draw_settings(Settings(lora=gone))
