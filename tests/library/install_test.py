#!/usr/bin/env python3
"""Installs a build into a folder of its own and uses what is there as somebody else's program would: by pkg-config alone.

    tests/library/install_test.py BUILD         BUILD is a folder that meson has built in; ends with "N passed, M failed"
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

# What a server keeps for itself, the key for publishing.
STATE = tempfile.TemporaryDirectory(prefix="towline-state-")
os.environ["STATE_DIRECTORY"] = STATE.name

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "script"))
import headers  # noqa: E402

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-parameter", "-Wno-missing-field-initializers"]
MORE_PACKAGES = {"glib_loop": ["glib-2.0"], "libuv_loop": ["libuv"], "socketio_room": ["towline-socketio"]}
STATIC_NAMES = {"libuv": "libuv-static"}  # where a package has another name for static linking
HEADERS = headers.of_library(ROOT / "include/towline")
SOCKETIO_HEADERS = headers.of_library(ROOT / "include/towline", "towline-socketio")
EXAMPLES = sorted((ROOT / "examples").glob("*.c"))
HANDLERS = sorted((ROOT / "examples/handlers").glob("*.c"))


class Failure(Exception):
    """What is wrong, as a text."""


def run(*command, **options):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return result.stdout


def expect(what, found, wanted):
    if found != wanted:
        raise Failure(f"{what} is {found!r}, not {wanted!r}")


class Installed:
    """The installed tree. Programs that are linked to its shared library find it by LD_LIBRARY_PATH."""

    def __init__(self, build, folder):
        self.folder = folder
        self.tree = folder / "tree"
        run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", self.tree)
        self.configuration = next(self.tree.rglob("towline.pc"))
        self.libraries = self.configuration.parent.parent
        self.prefix = next(self.tree.rglob("include/towline.h")).parent.parent
        # As if it had been configured for this place: what a destination folder is for is moved there later.
        for configuration in self.configuration.parent.glob("towline*.pc"):
            configuration.write_text(re.sub("^prefix=.*", f"prefix={self.prefix}", configuration.read_text(), flags=re.M))
        self.environment = os.environ | {"PKG_CONFIG_PATH": str(self.configuration.parent), "LD_LIBRARY_PATH": str(self.libraries)}

    def flags(self, static, *packages):
        words = ["--static"] if static else []
        names = [STATIC_NAMES.get(name, name) if static else name for name in packages]
        return run("pkg-config", *words, "--cflags", "--libs", "towline", *names, env=self.environment).split()

    def compile(self, compiler, source, output, static=False, packages=(), options=()):
        linking = ["-static"] if static else []
        run(*compiler.split(), *options, *WARNINGS, *linking, "-o", output, source, *self.flags(static, *packages))
        return output


def at_once(function, items):
    """Calls it for each item, as many at a time as there are cores; the first failure is raised."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(function, item) for item in items]:
            done.result()


def check_names(installed):
    """Both libraries show the functions of the headers, under TOWLINE_0, and the static one nothing else."""
    shared = installed.libraries / "libtowline.so"
    print(run(ROOT / "tests/library/exports_check.py", shared, installed.prefix / "include").strip())
    print(run(ROOT / "tests/library/exports_check.py", installed.libraries / "libtowline-socketio.so", installed.prefix / "include",
              "towline-socketio").strip())
    lines = run("nm", "-g", "--defined-only", installed.libraries / "libtowline.a").splitlines()
    shown = sorted(line.split()[2] for line in lines if len(line.split()) == 3)
    expect("what libtowline.a shows", shown, sorted(headers.exported(HEADERS)))


def check_version(installed):
    """One version everywhere, and its first number in the soname."""
    version = run("pkg-config", "--modversion", "towline", env=installed.environment).strip()
    dynamic = run("readelf", "-d", installed.libraries / "libtowline.so")
    expect("the soname", re.search(r"SONAME.*\[(.*)\]", dynamic)[1], f"libtowline.so.{version.split('.')[0]}")
    expect("the file behind it", (installed.libraries / "libtowline.so").resolve().name, f"libtowline.so.{version}")
    header = (installed.prefix / "include/towline/version.h").read_text()
    expect("TOW_VERSION", re.search(r'TOW_VERSION "(.*)"', header)[1], version)
    number = bytes.fromhex(re.search(r"TOWLINE_VERSION_NUMBER 0x(\w{6})", header)[1])
    expect("TOWLINE_VERSION_NUMBER", ".".join(map(str, number)), version)
    program = installed.prefix / "bin/towline"
    expect("towline --version", run(program, "--version", env=installed.environment).split()[1], version)


def check_other_version(installed):
    """The program says so when the library that it found is of another version."""
    source = installed.folder / "other.c"
    source.write_text('const char *tow_version(void);\nconst char *tow_version(void) {\n    return "0.0.9";\n}\n')
    run("cc", "-shared", "-fPIC", "-o", installed.folder / "other.so", source)
    environment = installed.environment | {"LD_PRELOAD": str(installed.folder / "other.so")}
    result = subprocess.run([installed.prefix / "bin/towline", "--version"], env=environment, capture_output=True, text=True, check=False)
    if result.returncode == 0 or "0.0.9" not in result.stderr:
        raise Failure(f"status {result.returncode}: {result.stdout}{result.stderr}")


def check_python(installed):
    """The command of the tutorials serves the examples in Python, by what is installed; Python finds it by a line of its own."""
    modules = installed.prefix / "share/towline/python"
    lines = list(installed.tree.rglob("towline.pth"))
    read = [run(python, "-c", "import site; print(*site.getsitepackages(), sep='\\n')").split() for python in ("python3", "/usr/bin/python3")]
    expect("the line for Python", [path.read_text() for path in lines], [f"/{modules.relative_to(installed.tree)}\n"])
    expect("whether a Python reads it", f"/{lines[0].parent.relative_to(installed.tree)}" in sum(read, []), True)
    handlers = installed.prefix / "share/doc/towline/examples/handlers"
    command = [sys.executable, "-m", "mod_pywebsocket.standalone", "-p", "0", "-w", handlers]
    server = subprocess.Popen(command, env=installed.environment | {"PYTHONPATH": str(modules)}, stderr=subprocess.PIPE, text=True)
    timer = threading.Timer(30, server.kill)
    timer.start()
    lines = []
    for line in server.stderr:
        lines.append(line)
        if "echo_wsh.py serves /echo" in line:
            server.terminate()
    timer.cancel()
    if server.wait() != 0:
        raise Failure("".join(lines))


def check_helpers(installed):
    """Workers find the helpers where the manual says that they are."""
    helpers = installed.prefix / "share/towline/helpers"
    run("python3", "-c", "from towline_worker import Worker", env=installed.environment | {"PYTHONPATH": str(helpers), "PYTHONDONTWRITEBYTECODE": "1"})
    run("node", "--input-type=module", "-e", f"import {{ run }} from '{helpers}/towline_worker.mjs'")


def check_pages(installed):
    """man(1) finds a page by the name of each function."""
    pages = installed.prefix / "share/man/man3"
    missing = [name for name in sorted(headers.documented(HEADERS + SOCKETIO_HEADERS)) if not (pages / f"{name}.3").is_file()]
    expect("functions without a page", missing, [])


def check_page_programs(installed):
    """The complete programs in the pages of section 3, and in README.md, build."""
    programs = re.findall(r"^```c\n(.*?)^```$", (ROOT / "README.md").read_text(), flags=re.M | re.S)
    programs += [block for page in sorted((ROOT / "docs/man").glob("*.3"))
                for block in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", page.read_text(), flags=re.M | re.S) if "int main(" in block]
    if len(programs) < 5:
        raise Failure(f"there are only {len(programs)}")
    for program in programs:
        source = installed.folder / "page.c"
        source.write_text(program.replace("\\e", "\\"))
        packages = ["towline-socketio"] if "<towline/socketio.h>" in program else []
        installed.compile("gcc", source, installed.folder / "page", packages=packages)


def check_header(installed, compiler, suffix, standard):
    """Each header stands alone, and all of them together make a program that runs."""
    for header in HEADERS + SOCKETIO_HEADERS:
        (installed.folder / f"{header.stem}{suffix}").write_text(f"#include <towline/{header.name}>\n")
    run(compiler, standard, *WARNINGS, "-fsyntax-only", *(installed.folder / f"{header.stem}{suffix}" for header in HEADERS + SOCKETIO_HEADERS),
        *run("pkg-config", "--cflags", "towline-socketio", env=installed.environment).split())
    program = installed.compile(compiler, ROOT / "tests/library" / f"all_headers{suffix}", installed.folder / "all", options=[standard])
    run(program, env=installed.environment)


def check_examples(installed, compiler, static):
    """Each program of examples/ builds by pkg-config alone, and does what its tests say with the shared library beside it."""
    folder = installed.folder / f"{compiler}-{'static' if static else 'shared'}"
    folder.mkdir()

    def compile_example(source):
        output = folder / f"example-{source.stem.replace('_', '-')}"
        packages = MORE_PACKAGES.get(source.stem, ())
        if not static or "towline-socketio" not in packages: # that is a shared library only
            installed.compile(compiler, source, output, static, packages)

    at_once(compile_example, EXAMPLES)
    if static:
        return
    # On the loop that is taken by itself; the other one is for the build with sanitizers.
    environment = installed.environment | {"EXAMPLES": str(folder), "LOOPS": "io_uring", "TOWLINE": str(installed.prefix / "bin/towline")}
    run("node", "--test", "--test-reporter=spec", ".", cwd=ROOT / "tests/examples", env=environment)


def check_handlers(installed):
    """The installed program builds the native handlers of examples/ and serves them."""
    folder = installed.folder / "handlers"
    folder.mkdir()
    program = installed.prefix / "bin/towline"
    for source in HANDLERS:
        run(program, "handler", "build", source, "-o", folder / f"{source.stem}.so", env=installed.environment)
    server = subprocess.Popen([program, "serve", "-p", "127.0.0.1:0", "-w", folder], env=installed.environment, stderr=subprocess.PIPE, text=True)
    said = []
    while not said or "towline: serving" not in said[-1]:
        said.append(server.stderr.readline())
        if said[-1] == "":
            break
    server.terminate()
    server.communicate()
    served = sorted(re.findall(r"(\w+)\.so serves /\1\b", "".join(said)))
    expect(f"what is served ({''.join(said)})", served, sorted(source.stem for source in HANDLERS))


def checks():
    yield "names", check_names, ()
    yield "version", check_version, ()
    yield "a library of another version", check_other_version, ()
    yield "manual pages", check_pages, ()
    yield "programs of the manual pages and README.md", check_page_programs, ()
    for compiler, suffix, standard in (("gcc", ".c", "-std=c11"), ("clang", ".c", "-std=c11"), ("gcc", ".c", "-std=gnu17"),
                                       ("g++", ".cc", "-std=c++11"), ("clang++", ".cc", "-std=c++11"), ("g++", ".cc", "-std=c++20")):
        yield f"headers with {compiler} {standard}", check_header, (compiler, suffix, standard)
    for compiler, static in (("gcc", False), ("clang", True)):
        yield f"examples with {compiler}, {'static' if static else 'shared'}", check_examples, (compiler, static)
    yield "native handlers", check_handlers, ()
    yield "handlers in Python", check_python, ()
    yield "helpers", check_helpers, ()


def main(build):
    folder = pathlib.Path(tempfile.mkdtemp())
    passed = failed = 0
    try:
        installed = Installed(build, folder)
        for name, check, arguments in checks():
            try:
                check(installed, *arguments)
                passed += 1
            except (Failure, OSError) as failure:
                failed += 1
                print(f"FAILED: {name}: {failure}")
    finally:
        shutil.rmtree(folder)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
