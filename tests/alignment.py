"""Where subjects stand in encoded prompts, told by hand for two small tokenizers that set the traps of the real ones.

Each row: a prompt; its tokens as a T5 reads it, which starts with the first word, knows no "▁a" and tells capitals apart; its tokens as a CLIP
reads it, which starts with a token of its own, reads all in lower case, digits one by one and apostrophes apart, and ends words with "_"; and for
each subject the places of its tokens in both, that first token of CLIP's counted. The mark "▁" that starts a word is a token of that word.
The second CLIP of SD3 and SDXL fills up with "!", which so is a token by itself wherever it stands: where that differs, it is told too.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any

Places = tuple[int, ...]

WHOLE = (
    "an and the on in of with no by it under without beside very two three cat dog fox ox box car man bear lion horse sun sea king fly butter flower apple pan cake "
    "hot ice cream red blue black white grumpy sofa ball sun glass rocket teddy polar cherry scatter shark"
).split()
T5_PARTS = ["s", "es", "er", "ed", "ing", "▁tig", "▁le", "opard", "fish", "▁wild", "cat", "pet", "cake", "apple", "flower", "▁caf", "é", "ñ", "ata", "horse", "man", "fly", "bra", "▁ze", "zzle"]
CLIP_PARTS = ["leo", "pard_", "fish_", "wild", "pet_", "bears_", "butterfly_", "sun", "flower_", "chi", "hua_", "poo", "dle_", "fisher", "man_", "zebra", "zebra_", "cats_", "dogs_", "pine", "apple_", "ca", "é_", "!!_", "?!_"]


def t5() -> Any:
    """A unigram tokenizer. Like T5's it has no token for a lone "a" with the space before it, which so is two."""
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0), ("▁", -4.0), ("a", -4.0)]
    pieces += [(f"▁{word}", -3.0) for word in dict.fromkeys(WHOLE)] + [(part, -4.0) for part in T5_PARTS]
    pieces += [(sign, -8.0) for sign in [*string.ascii_letters[1:], *string.digits, *",.-!?'\"()/:"]]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=512)


def clip(pad: str = "<|endoftext|>") -> Any:
    """A byte-pair tokenizer of whole words and some parts of others; the two CLIPs of SD3 and SDXL differ in what they pad with."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    alphabet = sorted(ByteLevel.alphabet())
    merges: list[tuple[str, str]] = []
    for word in [*(f"{word}_" for word in WHOLE if len(word) > 1), *CLIP_PARTS]:
        letters = [*ByteLevel(add_prefix_space=False).pre_tokenize_str(word.removesuffix("_"))[0][0]]
        letters[-1] += "</w>" * word.endswith("_")
        for i in range(1, len(letters)):
            merges.append(("".join(letters[:i]), letters[i]))
    merges = list(dict.fromkeys(merges))
    tokens = dict.fromkeys(["<|startoftext|>", "<|endoftext|>", *alphabet, *(letter + "</w>" for letter in alphabet), *(a + b for a, b in merges)])
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges, model_max_length=77, pad_token=pad)


@dataclass(frozen=True)
class Row:
    """A prompt, its tokens in both, and where its subjects are: "2 5-7" is 2, 5, 6 and 7."""

    prompt: str
    t5: str
    clip: str
    subjects: dict[str, tuple[str, ...]]
    second: str = ""  # as the second CLIP reads it; none = as the first

    def places(self, subject: str) -> tuple[Places, Places, Places]:
        """Of a subject's tokens as T5 reads them, and as the two CLIPs do."""
        of_t5, of_clip, *other = (tuple(i for run in told.split() for i in _run(run)) for told in self.subjects[subject])
        return of_t5, of_clip, other[0] if other else of_clip


def _run(told: str) -> range:
    first, _, last = told.partition("-")
    return range(int(first), int(last or first) + 1)


ROWS = (
    Row("a cat and a dog", "▁|a|▁cat|▁and|▁|a|▁dog", "a_|cat_|and_|a_|dog_",
        {"cat": ("2", "2"), "dog": ("6", "5")}),
    Row("a dog and a cat", "▁|a|▁dog|▁and|▁|a|▁cat", "a_|dog_|and_|a_|cat_",
        {"dog": ("2", "2"), "cat": ("6", "5"), "fox": ("", ""), "": ("", "")}),
    Row("a leopard and a tiger", "▁|a|▁le|opard|▁and|▁|a|▁tig|er", "a_|leo|pard_|and_|a_|t|i|g|e|r_",
        {"leopard": ("2-3", "2-3"), "tiger": ("7-8", "6-10")}),
    Row("a tiger and a leopard and a lion", "▁|a|▁tig|er|▁and|▁|a|▁le|opard|▁and|▁|a|▁lion", "a_|t|i|g|e|r_|and_|a_|leo|pard_|and_|a_|li|on_",
        {"tiger": ("2-3", "2-6"), "leopard": ("7-8", "9-10"), "lion": ("12", "13-14")}),
    Row("two leopards and a leopard", "▁two|▁le|opard|s|▁and|▁|a|▁le|opard", "two_|leo|par|d|s_|and_|a_|leo|pard_",
        {"leopard": ("1-3 7-8", "2-5 8-9")}),
    Row("a cat beside a cat", "▁|a|▁cat|▁beside|▁|a|▁cat", "a_|cat_|beside_|a_|cat_",
        {"cat": ("2 6", "2 5")}),
    Row("a red cat and a blue cat", "▁|a|▁red|▁cat|▁and|▁|a|▁blue|▁cat", "a_|red_|cat_|and_|a_|blue_|cat_",
        {"cat": ("3 8", "3 7"), "red cat": ("2-3", "2-3"), "blue cat": ("7-8", "6-7")}),
    Row("three cats on the sofa", "▁three|▁cat|s|▁on|▁the|▁sofa", "three_|cats_|on_|the_|sofa_",
        {"cat": ("1-2", "2"), "sofa": ("5", "5")}),
    Row("two foxes and a fox in a box", "▁two|▁fox|es|▁and|▁|a|▁fox|▁in|▁|a|▁box", "two_|fo|x|e|s_|and_|a_|fox_|in_|a_|b|ox_",
        {"fox": ("1-2 6", "2-5 8"), "box": ("10", "11-12")}),
    Row("an ox and a fox", "▁an|▁ox|▁and|▁|a|▁fox", "an_|ox_|and_|a_|fox_",
        {"ox": ("1", "2"), "fox": ("5", "5")}),
    Row("a catfish and a cat", "▁|a|▁cat|fish|▁and|▁|a|▁cat", "a_|cat|fish_|and_|a_|cat_",
        {"catfish": ("2-3", "2-3"), "cat": ("7", "6")}),
    Row("a wildcat without a cat", "▁|a|▁wild|cat|▁without|▁|a|▁cat", "a_|wild|cat_|wi|th|o|u|t_|a_|cat_",
        {"wildcat": ("2-3", "2-3"), "cat": ("7", "10")}),
    Row("a carpet under a car", "▁|a|▁car|pet|▁under|▁|a|▁car", "a_|ca|r|pet_|under_|a_|car_",
        {"carpet": ("2-3", "2-4"), "car": ("7", "7")}),
    Row("a pancake and a pan", "▁|a|▁pan|cake|▁and|▁|a|▁pan", "a_|p|an|cake_|and_|a_|p|an_",
        {"pancake": ("2-3", "2-4"), "pan": ("7", "7-8")}),
    Row("a bear and a bearded man", "▁|a|▁bear|▁and|▁|a|▁bear|d|ed|▁man", "a_|bear_|and_|a_|bear|d|e|d_|m|an_",
        {"bear": ("2", "2"), "bearded man": ("6-9", "5-10")}),
    Row("a hot dog and a dog", "▁|a|▁hot|▁dog|▁and|▁|a|▁dog", "a_|hot_|dog_|and_|a_|dog_",
        {"hot dog": ("2-3", "2-3"), "dog": ("3 7", "3 6")}),
    Row("a hot  dog on the sofa", "▁|a|▁hot|▁dog|▁on|▁the|▁sofa", "a_|hot_|dog_|on_|the_|sofa_",
        {"hot dog": ("2-3", "2-3"), "dog": ("3", "3")}),
    Row("two hot dogs, no dog", "▁two|▁hot|▁dog|s|,|▁no|▁dog", "two_|hot_|dogs_|,_|no_|dog_",
        {"hot dog": ("1-3", "2-3"), "dog": ("2-3 6", "3 6")}),
    Row("an ice cream cone", "▁an|▁ice|▁cream|▁|c|o|n|e", "an_|ice_|cream_|c|o|n|e_",
        {"ice cream": ("1-2", "2-3"), "cone": ("3-7", "4-7"), "ice cream cone": ("1-7", "2-7")}),
    Row("cherries and a cherry", "▁|c|h|er|r|i|es|▁and|▁|a|▁cherry", "cherr|i|e|s_|and_|a_|cherry_",
        {"cherries": ("0-6", "1-4"), "cherry": ("10", "7")}),
    Row("a teddy bear and a polar bear", "▁|a|▁teddy|▁bear|▁and|▁|a|▁polar|▁bear", "a_|teddy_|bear_|and_|a_|polar_|bear_",
        {"teddy bear": ("2-3", "2-3"), "polar bear": ("7-8", "6-7"), "bear": ("3 8", "3 7")}),
    Row("a teddy-bear", "▁|a|▁teddy|-|b|e|a|r", "a_|teddy_|-_|bear_",
        {"teddy-bear": ("2-7", "2-4"), "bear": ("4-7", "4")}),
    Row("a cat, a dog, and a fox.", "▁|a|▁cat|,|▁|a|▁dog|,|▁and|▁|a|▁fox|.", "a_|cat_|,_|a_|dog_|,_|and_|a_|fox_|._",
        {"cat": ("2", "2"), "dog": ("6", "5"), "fox": ("11", "9")}),
    Row("a cat!", "▁|a|▁cat|!", "a_|cat_|!_",
        {"cat": ("2", "2")}, "a_|cat_|!"),
    Row("a cat!! and a dog", "▁|a|▁cat|!|!|▁and|▁|a|▁dog", "a_|cat_|!!_|and_|a_|dog_",
        {"cat": ("2", "2"), "dog": ("8", "6", "7")}, "a_|cat_|!|!|and_|a_|dog_"),
    Row("a dog?! a cat!", "▁|a|▁dog|?|!|▁|a|▁cat|!", "a_|dog_|?!_|a_|cat_|!_",
        {"dog": ("2", "2"), "cat": ("7", "5", "6")}, "a_|dog_|?_|!|a_|cat_|!"),
    Row("a cat... and a dog?!", "▁|a|▁cat|.|.|.|▁and|▁|a|▁dog|?|!", "a_|cat_|.|.|._|and_|a_|dog_|?!_",
        {"cat": ("2", "2"), "dog": ("9", "8")}, "a_|cat_|.|.|._|and_|a_|dog_|?_|!"),
    Row("cat", "▁cat", "cat_",
        {"cat": ("0", "1")}),
    Row("cats", "▁cat|s", "cats_",
        {"cat": ("0-1", "1")}),
    Row(" a cat ", "▁|a|▁cat", "a_|cat_",
        {"cat": ("2", "2")}),
    Row("\ta cat\n and a dog", "▁|a|▁cat|▁and|▁|a|▁dog", "a_|cat_|and_|a_|dog_",
        {"cat": ("2", "2"), "dog": ("6", "5")}),
    Row("the cat's ball", "▁the|▁cat|'|s|▁ball", "the_|cat_|'|s_|ball_",
        {"cat": ("1", "2"), "ball": ("4", "5")}),
    Row("the cats' balls", "▁the|▁cat|s|'|▁ball|s", "the_|cats_|'_|bal|l|s_",
        {"cat": ("1-2", "2"), "ball": ("4-5", "4-6")}),
    Row("it's a cat", "▁it|'|s|▁|a|▁cat", "it_|'|s_|a_|cat_",
        {"cat": ("5", "5")}),
    Row("\"a cat\" (the dog)", "▁|\"|a|▁cat|\"|▁|(|t|h|e|▁dog|)", "\"_|a_|cat_|\"_|(_|the_|dog_|)_",
        {"cat": ("3", "3"), "dog": ("10", "7")}),
    Row("a cat/dog", "▁|a|▁cat|/|d|o|g", "a_|cat_|/_|dog_",
        {"cat": ("2", "2"), "dog": ("4-6", "4")}),
    Row("a cat:1.3 and a dog", "▁|a|▁cat|:|1|.|3|▁and|▁|a|▁dog", "a_|cat_|:_|1_|._|3_|and_|a_|dog_",
        {"cat": ("2", "2"), "dog": ("10", "9")}),
    Row("(cat)", "▁|(|cat|)", "(_|cat_|)_",
        {"cat": ("2", "2")}),
    Row("A Cat and a DOG", "▁|A|▁|C|a|t|▁and|▁|a|▁|D|O|G", "a_|cat_|and_|a_|dog_",
        {"cat": ("2-5", "2"), "dog": ("9-12", "5")}),
    Row("a CAT and a cat", "▁|a|▁|C|A|T|▁and|▁|a|▁cat", "a_|cat_|and_|a_|cat_",
        {"cat": ("2-5 9", "2 5")}),
    Row("Two Leopards", "▁|T|w|o|▁|L|e|opard|s", "two_|leo|par|d|s_",
        {"leopard": ("4-8", "2-5")}),
    Row("a cat on THE SOFA", "▁|a|▁cat|▁on|▁|T|H|E|▁|S|O|F|A", "a_|cat_|on_|the_|sofa_",
        {"the sofa": ("4-12", "4-5"), "sofa": ("8-12", "5")}),
    Row("3 cats and 12 dogs", "▁|3|▁cat|s|▁and|▁|1|2|▁dog|s", "3_|cats_|and_|1_|2_|dogs_",
        {"cat": ("2-3", "2"), "dog": ("8-9", "6"), "12 dogs": ("5-9", "4-6")}),
    Row("a 2cv and a car", "▁|a|▁|2|c|v|▁and|▁|a|▁car", "a_|2_|c|v_|and_|a_|car_",
        {"2cv": ("2-5", "2-4"), "car": ("9", "7")}),
    Row("a r2d2 and a dog", "▁|a|▁|r|2|d|2|▁and|▁|a|▁dog", "a_|r_|2_|d_|2_|and_|a_|dog_",
        {"r2d2": ("2-6", "2-5"), "dog": ("10", "8")}),
    Row("a café by the sea", "▁|a|▁caf|é|▁by|▁the|▁sea", "a_|ca|f|Ã©_|by_|the_|sea_",
        {"café": ("2-3", "2-4"), "sea": ("6", "7")}),
    Row("a cafe\u0301 by the sea", "▁|a|▁caf|e|<unk>|▁by|▁the|▁sea", "a_|ca|f|Ã©_|by_|the_|sea_",
        {"cafe\u0301": ("2-4", "2-4"), "sea": ("7", "7")}),
    Row("a piñata and a jalapeño", "▁|a|▁|p|i|ñ|ata|▁and|▁|a|▁|j|a|l|a|p|e|ñ|o", "a_|pi|Ã|±|a|t|a_|and_|a_|j|a|l|ap|e|Ã|±|o_",
        {"piñata": ("2-6", "2-7"), "jalapeño": ("10-18", "10-17")}),
    Row("a Über dog", "▁|a|▁|<unk>|b|er|▁dog", "a_|Ã|¼|be|r_|dog_",
        {"über dog": ("2-6", "2-6"), "dog": ("6", "6")}),
    Row("crème brûlée and a cat", "▁|c|r|<unk>|m|e|▁|b|r|<unk>|l|é|e|▁and|▁|a|▁cat", "cr|Ã|¨|m|e_|b|r|Ã|»|l|Ã|©|e_|and_|a_|cat_",
        {"crème brûlée": ("0-12", "1-13"), "cat": ("16", "16")}),
    Row("a cat 🐱 and a dog", "▁|a|▁cat|▁|<unk>|▁and|▁|a|▁dog", "a_|cat_|ð|Ł|Ĳ|±_|and_|a_|dog_",
        {"cat": ("2", "2"), "dog": ("8", "9"), "🐱": ("3-4", "3-6")}),
    Row("🐱 and 🐶", "▁|<unk>|▁and|▁|<unk>", "ð|Ł|Ĳ|±_|and_|ð|Ł|Ĳ|¶_",
        {"🐱": ("0-1", "1-4"), "🐶": ("3-4", "6-9")}),
    Row("🐱🐶 a fox", "▁|<unk>|▁|a|▁fox", "ð|Ł|Ĳ|±|ð|Ł|Ĳ|¶_|a_|fox_",
        {"fox": ("4", "10")}),
    Row("a 👩\u200d🚀 on the sofa", "▁|a|▁|<unk>|▁on|▁the|▁sofa", "a_|ð|Ł|ĳ|©|â|Ģ|į|ð|Ł|ļ|Ģ_|on_|the_|sofa_",
        {"👩\u200d🚀": ("2-3", "2-12"), "sofa": ("6", "15")}),
    Row("a cat ❤\ufe0f a dog", "▁|a|▁cat|▁|<unk>|▁|a|▁dog", "a_|cat_|â|Ŀ|¤|ï|¸|ı_|a_|dog_",
        {"cat": ("2", "2"), "❤\ufe0f": ("3-4", "3-8"), "dog": ("7", "10")}),
    Row("a very fluffy grumpy cat", "▁|a|▁very|▁|f|l|u|f|f|y|▁grumpy|▁cat", "a_|very_|fl|u|f|f|y_|grumpy_|cat_",
        {"cat": ("11", "9"), "grumpy cat": ("10-11", "8-9"), "very fluffy grumpy cat": ("2-11", "2-9")}),
    Row("a cat with a dog with a cat with a dog", "▁|a|▁cat|▁with|▁|a|▁dog|▁with|▁|a|▁cat|▁with|▁|a|▁dog", "a_|cat_|with_|a_|dog_|with_|a_|cat_|with_|a_|dog_",
        {"cat": ("2 10", "2 8"), "dog": ("6 14", "5 11")}),
    Row("the dog of the man with the cat", "▁the|▁dog|▁of|▁the|▁man|▁with|▁the|▁cat", "the_|dog_|of_|the_|m|an_|with_|the_|cat_",
        {"dog": ("1", "2"), "man": ("4", "5-6"), "cat": ("7", "9")}),
    Row("a rocket", "▁|a|▁rocket", "a_|rocket_",
        {"rocket": ("2", "2")}),
    Row("a zebra and a zebrafish", "▁|a|▁ze|bra|▁and|▁|a|▁ze|bra|fish", "a_|zebra_|and_|a_|zebra|fish_",
        {"zebra": ("2-3", "2"), "zebrafish": ("7-9", "5-6")}),
    Row("a butterfly on a fly on butter", "▁|a|▁butter|fly|▁on|▁|a|▁fly|▁on|▁butter", "a_|butter|fly_|on_|a_|fly_|on_|butter_",
        {"butterfly": ("2-3", "2-3"), "fly": ("7", "6"), "butter": ("9", "8")}),
    Row("a sunflower in the sun with a flower", "▁|a|▁sun|flower|▁in|▁the|▁sun|▁with|▁|a|▁flower", "a_|s|un|flower_|in_|the_|sun_|with_|a_|flower_",
        {"sunflower": ("2-3", "2-4"), "sun": ("6", "7"), "flower": ("10", "10")}),
    Row("a black cat and a black-and-white dog", "▁|a|▁black|▁cat|▁and|▁|a|▁black|-|a|n|d|-|w|h|i|t|e|▁dog", "a_|black_|cat_|and_|a_|black_|-_|and_|-_|white_|dog_",
        {"black cat": ("2-3", "2-3"), "dog": ("18", "11"), "black-and-white dog": ("7-18", "6-11")}),
    Row("a chihuahua and a poodle", "▁|a|▁|c|h|i|h|u|a|h|u|a|▁and|▁|a|▁|p|o|o|d|l|e", "a_|chi|hu|a|hua_|and_|a_|poo|dle_",
        {"chihuahua": ("2-11", "2-5"), "poodle": ("15-21", "8-9")}),
    Row("a kingfisher, a king and a fisherman", "▁|a|▁king|fish|er|,|▁|a|▁king|▁and|▁|a|▁|fish|er|man", "a_|kin|g|fi|sh|e|r_|,_|a_|king_|and_|a_|fi|sh|e|r|m|an_",
        {"kingfisher": ("2-4", "2-7"), "king": ("8", "10"), "fisherman": ("12-15", "13-18")}),
    Row("a seahorse and a horse in the sea", "▁|a|▁sea|horse|▁and|▁|a|▁horse|▁in|▁the|▁sea", "a_|se|a|horse_|and_|a_|horse_|in_|the_|sea_",
        {"seahorse": ("2-3", "2-4"), "horse": ("7", "7"), "sea": ("10", "10")}),
    Row("cat cat cat", "▁cat|▁cat|▁cat", "cat_|cat_|cat_",
        {"cat": ("0-2", "1-3")}),
    Row("a man-eating shark and a man", "▁|a|▁man|-|e|a|t|ing|▁shark|▁and|▁|a|▁man", "a_|m|an_|-_|e|a|t|i|n|g_|shark_|and_|a_|m|an_",
        {"man-eating shark": ("2-8", "2-11"), "shark": ("8", "11"), "man": ("2 12", "2-3 14-15")}),
    Row("a scatter of cats", "▁|a|▁scatter|▁of|▁cat|s", "a_|s|cat|te|r_|of_|cats_",
        {"cat": ("4-5", "7"), "scatter": ("2", "2-5")}),
    Row("an apple and a pineapple", "▁an|▁apple|▁and|▁|a|▁|p|i|n|e|apple", "an_|apple_|and_|a_|pine|apple_",
        {"apple": ("1", "2"), "pineapple": ("5-10", "5-6")}),
    Row("dogma and dogs", "▁dog|m|a|▁and|▁dog|s", "dog|m|a_|and_|dogs_",
        {"dog": ("4-5", "5")}),
    Row("glass and glasses", "▁glass|▁and|▁glass|es", "glass_|and_|glas|se|s_",
        {"glass": ("0 2-3", "1 3-5"), "glasses": ("2-3", "3-5")}),
    Row("an İstanbul cat", "▁an|▁|<unk>|s|t|a|n|b|u|l|▁cat", "an_|i_|Ì|ĩ_|s|t|an|bu|l_|cat_",
        {"cat": ("10", "10"), "İstanbul": ("1-9", "2-9")}),
    Row("l'ours and the bear", "▁|l|'|o|u|r|s|▁and|▁the|▁bear", "l_|'_|o|u|r|s_|and_|the_|bear_",
        {"ours": ("3-6", "3-6"), "bear": ("9", "9")}),
)  # fmt: skip
