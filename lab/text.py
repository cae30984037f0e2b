"""Tokenizers and text encoders of the embedded model: real T5 and CLIP classes at toy size, word vocabulary.

A word outside the vocabulary becomes one `<unk>` for T5, so a strange adjective costs one token, not ten.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from tokenizers import pre_tokenizers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, T5Config, T5EncoderModel, T5Tokenizer

from cutwork.plurals import is_plural
from cutwork.tools.families.mini.wording import several

from . import backgrounds, captions

T5_LENGTH = 64
CLIP_LENGTH = 64
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "several", "many", "pair")
EXTRA = (
    "a an the of and with on in at to next between front behind inside near beside over under below above left right top bottom "
    "corner center middle upper lower side background scene empty color colored bright dark light wearing without no only "
    "photo picture image drawing sticker poster logo icon art artwork style 3d render cartoon cute glossy simple plain smooth "
    "highly detailed quality vibrant soft studio clean centered composition shadow shadows texture isolated whole full body "
    "looking smiling sitting standing flying running white cream gold golden silver navy magenta turquoise cyan violet maroon "
    "lime beige grey gray lavender violet stripes stripe dots dot polka checks checked pattern patterned forest city street table "
    "kitchen mountain lake river ocean sea night day morning evening rain clouds stars field garden room wall floor grass sand"
).split()


def vocabulary(subjects: Iterable[Mapping[str, str]]) -> list[str]:
    """Every word captions of these rows of `subjects.csv` are made of, sorted; plurals of the subjects included."""
    words = set(EXTRA) | set(NUMBERS) | set(backgrounds.COLOURS) | set(captions.MOODS + captions.TINY + captions.BIG)
    for row in subjects:
        for name in (row["noun"], *filter(None, row["synonyms"].split("|"))):
            words |= set(name.split())
            words.update((name if is_plural(name) else several(name)).split())
    for texts in (backgrounds.PLACES, [short for short, _ in backgrounds.PLACES.values()], captions.LEADS, captions.TAILS):
        words |= set(itertools.chain.from_iterable(t.replace(",", " ").split() for t in texts))
    words |= {"striped", "checkered", "dotted", "gradient"}
    return sorted(words)


def t5_tokenizer(words: list[str]) -> T5Tokenizer:
    """Unigram tokenizer of whole words and punctuation; `<pad>` 0, `</s>` 1, `<unk>` 2."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
    pieces += [(f"▁{word}", -1.0) for word in words] + [(mark, -1.0) for mark in ",.;:-!?'\"()"]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=T5_LENGTH)


def clip_tokenizer(words: Sequence[str]) -> CLIPTokenizer:
    """Byte-pair tokenizer whose merges rebuild the vocabulary's words."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    joined = merges(frozenset(itertools.chain.from_iterable(re.findall(r"[a-z]+|[^a-z]", word) for word in words)))
    pieces = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters), *(a + b for a, b in joined)]
    return CLIPTokenizer(vocab={piece: i for i, piece in enumerate(dict.fromkeys(pieces))}, merges=list(joined), model_max_length=CLIP_LENGTH)


@cache
def merges(words: frozenset[str]) -> list[tuple[str, str]]:
    """Byte-pair merges that make each word one piece: always the most frequent pair, of equals the first in the alphabet.

    The trainer of `tokenizers` breaks ties by chance, so that two processes would number the same words differently.
    """
    spelled = [[*word[:-1], f"{word[-1]}</w>"] for word in sorted(words)]
    joined: list[tuple[str, str]] = []
    while pairs := Counter(pair for pieces in spelled for pair in itertools.pairwise(pieces)):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        joined.append(best)
        for pieces in spelled:
            _join(pieces, best)
        spelled = [pieces for pieces in spelled if len(pieces) > 1]
    return joined


def _join(pieces: list[str], pair: tuple[str, str]) -> None:
    """Make one piece of every occurrence of the pair, in place, from the left."""
    at = 0
    while at < len(pieces) - 1:
        if (pieces[at], pieces[at + 1]) == pair:
            pieces[at : at + 2] = ["".join(pair)]
        at += 1


def t5_encoder(tokenizer: T5Tokenizer, width: int) -> T5EncoderModel:
    """A fresh T5 encoder of `width` channels, a multiple of 32, sized to its tokenizer."""
    return T5EncoderModel(
        T5Config(
            vocab_size=len(tokenizer), d_model=width, d_kv=32, d_ff=512, num_layers=3, num_heads=width // 32, dropout_rate=0.0,
            feed_forward_proj="gated-gelu", pad_token_id=0, eos_token_id=1,
        )
    )  # fmt: skip


def clip_encoder(tokenizer: CLIPTokenizer, width: int, projected: bool = False) -> CLIPTextModel | CLIPTextModelWithProjection:
    """A fresh CLIP text encoder of `width` channels, a multiple of 32, sized to its tokenizer; its pooled vector projected if wanted."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=512, num_hidden_layers=2, num_attention_heads=width // 32,
        max_position_embeddings=CLIP_LENGTH, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, projection_dim=width,
    )  # fmt: skip
    return CLIPTextModelWithProjection(config) if projected else CLIPTextModel(config)
