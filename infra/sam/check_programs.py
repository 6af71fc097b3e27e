"""Refuses programs that were built for another processor than that of an environment's functions: check_programs.py ENVIRONMENT."""

import re
import sys
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# The machine in the header of an ELF file.
MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}


def architecture(environment, config=FOLDER / "samconfig.toml", template=FOLDER / "template.yaml"):
    """Returns the processor that `sam deploy` gives the functions of an environment."""
    if not config.exists():
        raise SystemExit(f"{config} does not exist: copy samconfig.example.toml")
    environments = tomllib.loads(config.read_text())
    if environment not in environments:
        raise SystemExit(f"{config.name} has no environment {environment}, but {', '.join(name for name in environments if name != 'version')}")
    # What stands at a command comes before what stands under `global`, as a whole.
    for command in ("deploy", "global"):
        given = environments[environment].get(command, {}).get("parameters", {}).get("parameter_overrides")
        if given is not None:
            text = given if isinstance(given, str) else " ".join(given)
            found = re.findall(r"(?<!\S)Architecture=\"?'?(\w+)", text)
            if found:
                return found[-1]
            break
    return re.search(r"^  Architecture:\n(?:    .*\n)*?    Default: (\w+)", template.read_text(), re.M)[1]


def processor(program):
    """Returns the processor that a program was built for."""
    header = program.read_bytes()[:20]
    if header[:4] != b"\x7fELF" or len(header) < 20:
        raise SystemExit(f"{program} is no program for Linux")
    machine = int.from_bytes(header[18:20], "little")
    return MACHINES.get(machine, f"machine {machine}")


def check(environment, build=FOLDER / ".aws-sam" / "build", template=FOLDER / "template.yaml", config=FOLDER / "samconfig.toml"):
    """Stops with a message unless there is a program of the right kind for each function."""
    wanted = architecture(environment, config, template)
    functions = re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function$", template.read_text(), re.M)
    wrong = []
    for function in functions:
        program = build / function / "bootstrap"
        if not program.exists():
            wrong.append(f"{function} was not built: sam build --config-env {environment}")
        elif (found := processor(program)) != wanted:
            wrong.append(f"{function} was built for {found}, but the functions of {environment} are {wanted}")
    if wrong:
        raise SystemExit("\n".join(wrong))
    return wanted


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    print(f"programs for {check(sys.argv[1])}")
