"""Texts for comparing tokenizers: code and licences of this machine, and random ones of what
tokenizers stumble over. The same for the same files and seed."""
import glob
import os
import random
import struct

CJK = [(0x4e00, 0x9fff), (0x3040, 0x30ff), (0xac00, 0xd7a3), (0x3000, 0x303f), (0xff00, 0xffef),
       (0x20000, 0x2a6df)]
EMOJI = [(0x1f300, 0x1faff), (0x2600, 0x27bf), (0xfe0f, 0xfe0f), (0x200d, 0x200d),
         (0x1f1e6, 0x1f1ff)]
MARKS = [(0x300, 0x36f), (0x61, 0x7a), (0xc0, 0x17f), (0x1e00, 0x1eff), (0x591, 0x5f4),
         (0x900, 0x97f), (0xe00, 0xe7f), (0x1100, 0x11ff), (0x41, 0x5a), (0x2126, 0x212b),
         (0xf900, 0xfaff), (0xf40, 0xfbc), (0x1b00, 0x1b4f)]
SPACES = [(0x20, 0x20)] * 4 + [(9, 13), (0x85, 0x85), (0xa0, 0xa0), (0x2000, 0x200b),
                               (0x2028, 0x202f), (0x3000, 0x3000), (0x180e, 0x180e), (0x1c, 0x1f)]
NUMBERS = [(0x30, 0x39)] * 6 + [(0x660, 0x669), (0x2150, 0x2188), (0xb2, 0xb3), (0x966, 0x96f),
                                (0x1d7ce, 0x1d7ff)]
ALL = [(0x20, 0x7e), (0x80, 0xd7ff), (0xe000, 0x10ffff)]
ASCII = [(0x20, 0x7e)] * 5 + [(9, 13)]
BITS = ["<|endoftext|>", "<|begin_of_text|>", "<|im_end|>", "<think>", "</think>", "<tool_call>",
        "<|end_of_text|>", "<|", "|>", "<|endof", "'S", "'\u017f", "'RE", "'Ll", "'ve", "'x",
        "\r\n\r\n", "\n  \n", "  \t x"]
LETTERS = ["a", "ab", " ", "=", "\u00e4", "\u6f22", "0"]


def characters(draw, ranges, n):
    return "".join(chr(draw.randint(*draw.choice(ranges))) for _ in range(n))


def odd_text(draw, size):
    """At least size bytes of UTF-8."""
    parts, total = [], 0
    while total < size:
        kind = draw.randrange(9)
        if kind < 7:
            ranges, most = [(CJK, 40), (EMOJI, 8), (MARKS, 30), (SPACES, 300), (NUMBERS, 20),
                            (ALL, 12), (ASCII, 60)][kind]
            part = characters(draw, ranges, min(most, draw.choice([1, 2, 3, 5, 10, 40, 300])))
        elif kind == 7:
            part = draw.choice(BITS)
        else:
            times = draw.choice([5, 64, 65, 66, 500, 3000] if draw.random() < .05 else [2, 3, 5])
            part = draw.choice(LETTERS) * times
        parts.append(part + draw.choice([" ", "", "\n", "'s "]))
        total += len(parts[-1].encode())
    return "".join(parts)


def read_files(patterns, size):
    """Up to size bytes of the files, as valid text."""
    data = b""
    for pattern in patterns:
        for path in sorted(glob.glob(pattern, recursive=True)):
            if os.path.isfile(path) and len(data) < size:
                with open(path, "rb") as f:
                    data += f.read()
    return data[:size].decode("utf-8", "replace")


def corpus(size, seed=5):
    draw = random.Random(seed)
    code = read_files(["/usr/include/**/*.h", "/usr/lib/python3/**/*.py"], size * 4 // 10)
    prose = read_files(["/usr/share/common-licenses/*", "/usr/share/doc/**/copyright"],
                       size * 25 // 100)
    text = code + prose
    return text + odd_text(draw, size - len(text.encode()))


def documents(text, draw):
    """Cut into texts of very different lengths."""
    found, at = [], 0
    while at < len(text):
        n = draw.choice([0, 1, 10, 100, 1000, 10000, 100000])
        found.append(text[at:at + n])
        at += n
    return found


def damage(document, draw):
    """Bytes with one byte of a hundred changed to one above 127, and at least one."""
    data = bytearray(document.encode())
    for _ in range(1 + len(data) // 100):
        data[draw.randrange(len(data))] = draw.randrange(128, 256)
    return bytes(data)


def write_documents(path, documents):
    """documents: bytes each. The format of encode_file --documents."""
    with open(path, "wb") as f:
        for document in documents:
            f.write(struct.pack("<I", len(document)) + document)


def read_ids(path):
    """A list of ids for each document."""
    with open(path, "rb") as f:
        data = f.read()
    numbers = struct.unpack("<%dI" % (len(data) // 4), data)
    found, at = [], 0
    while at < len(numbers):
        n = numbers[at]
        found.append(numbers[at + 1:at + 1 + n])
        at += 1 + n
    return found
