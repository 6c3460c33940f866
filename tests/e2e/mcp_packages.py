"""The official clients of the Model Context Protocol, its inspector and its conformance suite, from
npm and PyPI, in build/mcp. They are installed there once, when the variable TRIREME_LONG is set
(tests/run --long sets it)."""
import os
import platform
import re
import subprocess
import sys

from tokenizer_packages import ROOT, Missing, call

FOLDER = os.path.join(ROOT, "build", "mcp")
MODULES = os.path.join(FOLDER, "node_modules")
PYTHON = os.path.join(FOLDER, "python", "bin", "python")
NODE_PACKAGES = [
    "@modelcontextprotocol/client@2.4.0",  # speaks both eras
    "@modelcontextprotocol/inspector@2.12.0",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
]
NODE_MAJOR = 22  # what the suite needs
REQUIREMENTS = ["mcp==2.3.0"]
INSPECTOR = os.path.join(MODULES, "@modelcontextprotocol/inspector/clients/launcher/build/index.js")
CONFORMANCE = os.path.join(MODULES, "@modelcontextprotocol/conformance/dist/index.js")


def need_long():
    if not os.environ.get("TRIREME_LONG"):
        raise Missing("the packages are not in build/mcp (tests/run --long installs them)")
    os.makedirs(FOLDER, exist_ok=True)


def is_new(node):
    try:
        version = subprocess.run([node, "--version"], stdout=subprocess.PIPE, text=True).stdout
    except OSError:
        return False
    return int((re.findall(r"\d+", version) or [0])[0]) >= NODE_MAJOR


def package_of_node():
    return "node-linux-%s" % {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")


def node():
    """A node that is new enough, or raises Missing."""
    own = os.path.join(MODULES, package_of_node(), "bin", "node")
    for path in ("node", own):
        if is_new(path):
            return path
    need_long()
    npm("%s@%d" % (package_of_node(), NODE_MAJOR))
    return own


def npm(*packages):
    call([
        "npm", "install", "--prefix", FOLDER, "--no-audit", "--no-fund", "--loglevel=error",
        *packages
    ], "npm install %s" % " ".join(packages))


def provide_node():
    if not os.path.exists(CONFORMANCE) or not os.path.exists(INSPECTOR):
        need_long()
        npm(*NODE_PACKAGES)
    return node()


def provide_python():
    has = os.path.exists(PYTHON) and subprocess.run([PYTHON, "-c", "import mcp"],
                                                    stderr=subprocess.DEVNULL).returncode == 0
    if not has:
        need_long()
        call([sys.executable, "-m", "venv", os.path.join(FOLDER, "python")], "python3 -m venv")
        call([PYTHON, "-m", "pip", "install", "--quiet", *REQUIREMENTS], "pip install")
    return PYTHON
