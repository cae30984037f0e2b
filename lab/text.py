"""Tokenizers and text encoders of the embedded model: real T5 and CLIP classes at toy size, word vocabulary.

A word outside the vocabulary becomes one `<unk>` for T5, so a strange adjective costs one token, not ten.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel, T5Tokenizer

from . import backgrounds, captions
from .art import SUBJECTS, Art

T5_LENGTH = 64
CLIP_LENGTH = 64
WIDTH = 192
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


def vocabulary(art: tuple[Art, ...]) -> list[str]:
    """Every word captions are made of, sorted; plurals of the subjects included."""
    words = set(EXTRA) | set(NUMBERS) | set(backgrounds.COLOURS) | set(captions.MOODS + captions.TINY + captions.BIG)
    for item in art:
        for name in (item.noun, *item.synonyms):
            words |= set(name.split())
            words.add(captions.plural(name.split()[-1]))
    for texts in (backgrounds.PLACES, [short for short, _ in backgrounds.PLACES.values()], captions.LEADS, captions.TAILS):
        words |= set(itertools.chain.from_iterable(t.replace(",", " ").split() for t in texts))
    words |= {"striped", "checkered", "dotted", "gradient"}
    return sorted(words)


def t5_tokenizer(words: list[str]) -> T5Tokenizer:
    """Unigram tokenizer of whole words and punctuation; `<pad>` 0, `</s>` 1, `<unk>` 2."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
    pieces += [(f"▁{word}", -1.0) for word in words] + [(mark, -1.0) for mark in ",.;:-!?'\"()"]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=T5_LENGTH)


def clip_tokenizer(words: list[str]) -> CLIPTokenizer:
    """Byte-pair tokenizer whose merges rebuild the vocabulary's words."""
    raw = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=6000, special_tokens=["<|startoftext|>", "<|endoftext|>"], initial_alphabet=sorted(alphabet),
        end_of_word_suffix="</w>", show_progress=False,
    )
    raw.train_from_iterator([" ".join(words)] * 4, trainer)
    model = __import__("json").loads(raw.to_str())["model"]
    vocab = dict(model["vocab"])
    for letter in sorted(alphabet):
        vocab.setdefault(letter + "</w>", len(vocab))
    merges = [tuple(m) if isinstance(m, list) else tuple(m.split(" ")) for m in model["merges"]]
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=CLIP_LENGTH)


def encoders(t5: T5Tokenizer, clip: CLIPTokenizer) -> tuple[CLIPTextModel, T5EncoderModel]:
    """Fresh text encoders sized to the tokenizers."""
    t5_model = T5EncoderModel(
        T5Config(
            vocab_size=len(t5), d_model=WIDTH, d_kv=32, d_ff=512, num_layers=3, num_heads=6, dropout_rate=0.0,
            feed_forward_proj="gated-gelu", pad_token_id=0, eos_token_id=1,
        )
    )
    clip_model = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(clip), hidden_size=WIDTH, intermediate_size=512, num_hidden_layers=2, num_attention_heads=6,
            max_position_embeddings=CLIP_LENGTH, bos_token_id=clip.bos_token_id, eos_token_id=clip.eos_token_id, pad_token_id=clip.pad_token_id,
        )
    )
    return clip_model, t5_model


def subjects_file() -> Path:
    """The table of subjects the vocabulary is made from."""
    return SUBJECTS
