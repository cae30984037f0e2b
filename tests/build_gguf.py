"""Writes a tiny random language model that a real llama.cpp server can run: `python tests/build_gguf.py OUT.gguf`.

It knows nothing. Its use is that a server which holds answers to a JSON schema by grammar makes valid JSON of it, over
the true wire. So that the JSON ends, one dimension of the embedding is the same for all tokens, which turns a column of the
output matrix into a bias: quotes and closing brackets are likely, letters and digits follow, all other bytes are rare.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path

import numpy as np

WIDTH, LAYERS, HEADS, FEED, CONTEXT = 64, 2, 4, 128, 16_384
SPECIAL = ("<unk>", "<s>", "</s>")
UNKNOWN, CONTROL, BYTE = 2, 3, 6  # token types of the format
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
LIKELY = {'"': 2.5, "]": 2.0, "}": 3.0, "{": 1.8, ",": 1.0, ":": 0.0, ".": 0.0}


def build(path: Path, seed: int = 0) -> Path:
    """Write the model; about half a megabyte, the same bytes for the same seed."""
    from gguf import GGUFWriter

    writer = GGUFWriter(str(path), "llama")
    writer.add_name("cutwork-test")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    _add_tokens(writer)
    for name, tensor in _tensors(np.random.default_rng(seed)).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokens(writer: object) -> None:
    tokens = [*SPECIAL, *(f"<0x{i:02X}>" for i in range(256))]
    writer.add_vocab_size(len(tokens))  # type: ignore[attr-defined]
    writer.add_tokenizer_model("llama")  # type: ignore[attr-defined]
    writer.add_token_list(tokens)  # type: ignore[attr-defined]
    writer.add_token_scores([0.0] * len(tokens))  # type: ignore[attr-defined]
    writer.add_token_types([UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256)  # type: ignore[attr-defined]
    writer.add_bos_token_id(1)  # type: ignore[attr-defined]
    writer.add_eos_token_id(2)  # type: ignore[attr-defined]
    writer.add_unk_token_id(0)  # type: ignore[attr-defined]
    writer.add_add_space_prefix(False)  # type: ignore[attr-defined]
    writer.add_chat_template(TEMPLATE)  # type: ignore[attr-defined]


def _tensors(rng: np.random.Generator) -> dict[str, np.ndarray]:
    def noise(*shape: int, scale: float = 0.02) -> np.ndarray:
        return rng.normal(0, scale, shape).astype(np.float32)

    size = len(SPECIAL) + 256
    embedding, output = noise(size, WIDTH, scale=0.1), noise(size, WIDTH, scale=0.1)
    embedding[:, 0] = 1.0
    # After the last norm the constant dimension stands near sqrt(WIDTH) / sqrt(1 + noise).
    output[:, 0] = _bias() / np.sqrt(WIDTH / (1 + WIDTH * 0.01))
    tensors = {"token_embd.weight": embedding, "output.weight": output, "output_norm.weight": np.ones(WIDTH, np.float32)}
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors[f"{block}{name}.weight"] = noise(WIDTH, WIDTH)
        tensors[f"{block}ffn_gate.weight"], tensors[f"{block}ffn_up.weight"] = noise(FEED, WIDTH), noise(FEED, WIDTH)
        tensors[f"{block}ffn_down.weight"] = noise(WIDTH, FEED)
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"{block}{name}.weight"] = np.ones(WIDTH, np.float32)
    return tensors


def _bias() -> np.ndarray:
    """How likely each token is, whatever came before."""
    bias = np.full(len(SPECIAL) + 256, -9.0, np.float32)
    bias[2] = 0.0
    for text in string.ascii_lowercase + string.digits:
        bias[len(SPECIAL) + ord(text)] = 0.0
    for text, value in LIKELY.items():
        bias[len(SPECIAL) + ord(text)] = value
    return bias


if __name__ == "__main__":
    build(Path(sys.argv[1]))
