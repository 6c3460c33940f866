"""Mutations of folders and of the bytes of files: each takes (rng, folder) and changes the
folder."""
import os


def files(folder, end=""):
    return sorted(f for f in os.listdir(folder) if f.endswith(end))


def pick(rng, folder, end=""):
    found = files(folder, end)
    return os.path.join(folder, rng.choice(found)) if found else None


def change_bytes(change, end=""):
    def mutation(rng, folder):
        path = pick(rng, folder, end)
        if path:
            with open(path, "rb") as f:
                data = bytearray(f.read())
            data = change(rng, data)
            with open(path, "wb") as f:
                f.write(data)

    return mutation


def flip(rng, data):
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def flip_early(rng, data):
    if data:
        data[rng.randrange(min(len(data), 400))] ^= 1 << rng.randrange(8)
    return data


def cut(rng, data):
    return data[:rng.randrange(len(data) + 1)]


def grow(rng, data):
    return data + bytes(rng.randrange(256) for _ in range(rng.choice([1, 4, 100])))


def overwrite(rng, data):
    if data:
        at = rng.randrange(len(data))
        n = min(len(data) - at, rng.choice([1, 8, 64]))
        data[at:at + n] = bytes(rng.randrange(256) for _ in range(n))
    return data


def lfs(rng, data):
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:%064x\nsize %d\n" % (
        rng.getrandbits(256), len(data))


def remove(rng, folder):
    path = pick(rng, folder)
    if path:
        os.remove(path)


def swap(rng, folder):
    a, b = pick(rng, folder), pick(rng, folder)
    if a and a != b:
        os.rename(a, a + ".swap")
        os.rename(b, a)
        os.rename(a + ".swap", b)


BYTES = {
    "flip a bit": change_bytes(flip),
    "cut a file": change_bytes(cut),
    "grow a file": change_bytes(grow),
    "overwrite bytes": change_bytes(overwrite),
    "LFS pointer": change_bytes(lfs),
    "remove a file": remove,
    "swap files": swap,
}
