"""Subjects are found in what each text encoder reads, whatever it makes of the words: every family against the truth of `alignment`."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
from alignment import ROWS, Places, clip, t5

from cutwork import registry
from cutwork.tools.families.base import Family, naming, token_spans

CLIP_L, CLIP_G, T5 = clip(), clip(pad="!"), t5()


def family_of(name: str, **tokenizers: Any) -> Any:
    """A tiny family that reads by these tokenizers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party notices while building random models
        family: Any = registry.find("cutwork.tools.families", name).tiny()
    family.pipeline.register_modules(**tokenizers)
    return family


@pytest.fixture(scope="module", params=["flux", "sd3", "unet", "mini"])
def family(request: pytest.FixtureRequest) -> Any:
    if request.param in ("flux", "mini"):
        made = family_of(request.param, tokenizer_2=T5)
        made.max_words = 64
        return made
    return family_of(request.param, tokenizer=CLIP_L, tokenizer_2=CLIP_G, **({"tokenizer_3": T5} if request.param == "sd3" else {}))


def wanted(family: Family, in_t5: Places, first: Places, second: Places) -> Places:
    """What a family should say: FLUX reads T5; SDXL two CLIPs that share places; SD3 those and then T5, which follows all of their places."""
    kind = type(family).__name__
    if "Flux" in kind or "Mini" in kind:
        return in_t5
    in_clip = tuple(sorted({*first, *second}))
    return in_clip if kind != "SD3Family" else (*in_clip, *(family._clip + i for i in in_t5))  # type: ignore[attr-defined]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ascii(row.prompt))
def test_the_tokenizers_set_the_traps_that_the_truth_is_told_for(row: Any) -> None:
    assert T5.convert_ids_to_tokens(T5(row.prompt).input_ids)[:-1] == row.t5.split("|")
    for reader, tokens in ((CLIP_L, row.clip), (CLIP_G, row.second or row.clip)):
        assert [token.replace("</w>", "_") for token in reader.convert_ids_to_tokens(reader(row.prompt).input_ids)[1:-1]] == tokens.split("|")


def test_every_subject_is_found_where_it_stands(family: Any) -> None:
    got = {(row.prompt, subject): family.tokens(row.prompt, subject) for row in ROWS for subject in row.subjects}
    assert got == {(row.prompt, subject): wanted(family, *row.places(subject)) for row in ROWS for subject in row.subjects}


def test_all_words_are_all_tokens_but_those_that_start_end_and_fill_up(family: Any) -> None:
    for row in ROWS:
        in_t5, first, second = (tuple(range(len(told.split("|")))) for told in (row.t5, row.clip, row.second or row.clip))
        got = tuple(i for group in family.words(row.prompt) for i in group)
        assert got == wanted(family, in_t5, *(tuple(i + 1 for i in places) for places in (first, second))), row.prompt


def test_each_clip_by_itself_has_a_subject_where_it_stands() -> None:
    for row in ROWS:
        for subject in row.subjects:
            for reader, places in zip((CLIP_L, CLIP_G), row.places(subject)[1:], strict=True):
                assert naming(token_spans(reader, row.prompt, 77), row.prompt, subject) == places, row.prompt


def test_the_second_subject_of_a_prompt_is_not_where_the_other_encoder_has_it() -> None:
    """As the published code takes it to be, which counts words; of "a X and a Y" it is right about X alone."""
    pairs = [(row, found[1]) for row in ROWS if (found := re.fullmatch(r"a \w+ and a (\w+)", row.prompt))]
    assert len(pairs) >= 8
    for row, subject in pairs:
        in_t5, in_clip, _ = row.places(subject)
        assert in_t5 != in_clip, row.prompt
    assert ROWS[0].places("cat")[:2] == ((2,), (2,))


def test_there_are_enough_prompts_and_no_two_alike() -> None:
    assert len({row.prompt for row in ROWS}) == len(ROWS) >= 60
    assert sum(len(row.subjects) for row in ROWS) > 120
