"""transformers, the current one and one of 4.x, with PyTorch, from PyPI, in build/transformers.
They are installed there once, when the variable TRIREME_LONG is set (tests/run --long sets it)."""
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
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def site_packages(version):
    script = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return call([python_of(version), "-c", script], "python").strip()


def install(version):
    call([sys.executable, "-m", "venv", os.path.join(FOLDER, "v" + version)], "python3 -m venv")
    if version != "5":
        with open(os.path.join(site_packages(version), "torch.pth"), "w") as f:
            f.write(site_packages("5") + "\n")
    call([python_of(version), "-m", "pip", "install", "--quiet", "--extra-index-url", WHEELS] +
         REQUIREMENTS[version], "pip install")


def provide():
    """Has everything be there, or raises Missing."""
    for version in REQUIREMENTS:
        if has(version):
            continue
        if not os.environ.get("TRIREME_LONG"):
            raise Missing("the packages are not in build/transformers (tests/run --long installs "
                          "them)")
        os.makedirs(FOLDER, exist_ok=True)
        install(version)
