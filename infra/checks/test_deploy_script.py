"""Deploying by the script: programs for another processor than the functions' are refused, whatever the configuration looks like."""

import os
import re
import shutil
import struct
import subprocess

import pytest

import render

SAM = render.INFRA / "sam"
X86, ARM = 0x3E, 0xB7
FUNCTIONS = [name for name, one in render.source()["Resources"].items() if one["Type"] == "AWS::Serverless::Function"]
# What stands in for SAM: it notes how it was called.
STUB = '#!/bin/sh\necho "$@" >> "$CALLS"\n'


@pytest.fixture
def place(tmp_path):
    """Returns a folder with template, script and a stub of SAM, but no programs."""
    for name in ("template.yaml", "deploy", "check_programs.py"):
        shutil.copy(SAM / name, tmp_path)
    shutil.copy(SAM / "samconfig.example.toml", tmp_path / "samconfig.toml")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "sam").write_text(STUB)
    (programs / "sam").chmod(0o755)
    return tmp_path


def build(place, machine, functions=FUNCTIONS):
    for name in functions:
        folder = place / ".aws-sam" / "build" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "bootstrap").write_bytes(b"\x7fELF" + bytes(14) + struct.pack("<H", machine) + bytes(100))


def deploy(place, *arguments):
    calls = place / "calls"
    calls.write_text("")
    environment = {**os.environ, "PATH": f"{place}/programs:{os.environ['PATH']}", "CALLS": str(calls)}
    done = subprocess.run([place / "deploy", *arguments], env=environment, text=True, capture_output=True)
    return done, calls.read_text().splitlines()


def test_right_programs_are_deployed(place):
    build(place, X86)
    done, calls = deploy(place, "prod", "--no-confirm-changeset")
    assert done.returncode == 0, done.stderr
    assert calls == ["build --config-env prod", "deploy --config-env prod --no-confirm-changeset"]
    _, calls = deploy(place, "prod", "--built")
    assert calls == ["deploy --config-env prod"]


def test_programs_for_another_processor_are_refused_before_anything_is_uploaded(place):
    build(place, ARM)
    done, calls = deploy(place, "prod")
    assert done.returncode != 0 and calls == ["build --config-env prod"]
    assert "DataActionFunction was built for arm64, but the functions of prod are x86_64" in done.stderr


def test_one_wrong_or_missing_program_is_enough(place):
    build(place, X86, FUNCTIONS[1:])
    done, calls = deploy(place, "dev", "--built")
    assert done.returncode != 0 and not calls and f"{FUNCTIONS[0]} was not built" in done.stderr
    build(place, ARM, FUNCTIONS[:1])
    done, calls = deploy(place, "dev", "--built")
    assert done.returncode != 0 and not calls and f"{FUNCTIONS[0]} was built for arm64" in done.stderr
    (place / ".aws-sam" / "build" / FUNCTIONS[0] / "bootstrap").write_text("#!/bin/sh\n")
    done, calls = deploy(place, "dev", "--built")
    assert done.returncode != 0 and not calls and "is no program for Linux" in done.stderr


@pytest.mark.parametrize("config, wanted", [
    ('version = 0.1\n[prod.global.parameters]\nparameter_overrides = ["Architecture=arm64"]\n', "arm64"),
    ('version = 0.1\n[prod.global.parameters]\nparameter_overrides = "CxoneScopes=\\"a b\\" Architecture=\\"arm64\\" Rollout=AllAtOnce"\n', "arm64"),
    # What stands at deploy is what counts, as in SAM, and a parameter that is not there has its default.
    ('version = 0.1\n[prod.global.parameters]\nparameter_overrides = ["Architecture=arm64"]\n[prod.deploy.parameters]\nparameter_overrides = ["LogLevel=info"]\n', "x86_64"),
    ('version = 0.1\n[prod.global.parameters]\nstack_name = "s"\n', "x86_64"),
])
def test_the_processor_is_what_sam_gives_the_functions(place, config, wanted):
    (place / "samconfig.toml").write_text(config)
    build(place, {"x86_64": X86, "arm64": ARM}[wanted])
    assert deploy(place, "prod", "--built")[0].returncode == 0
    build(place, {"x86_64": ARM, "arm64": X86}[wanted])
    assert deploy(place, "prod", "--built")[0].returncode != 0


def test_an_environment_that_does_not_exist_is_named(place):
    done, calls = deploy(place, "staging", "--built")
    assert done.returncode != 0 and not calls and "no environment staging, but dev, prod" in done.stderr


def test_guide_and_workflow_deploy_by_the_script():
    guide = (render.INFRA / "docs" / "deploy.md").read_text()
    workflow = (render.INFRA.parent / ".github" / "workflows" / "deploy.yml").read_text()
    assert guide.count("infra/sam/deploy prod") >= 2 and "sam deploy" not in workflow and "infra/sam/deploy" in workflow


@pytest.mark.parametrize("path", sorted((render.INFRA.parent / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_the_commands_of_a_workflow_are_valid_shell(path):
    workflow = render.source(path)
    scripts = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert scripts
    for script in scripts:
        # GitHub fills in its own expressions before a shell sees them.
        done = subprocess.run(["bash", "-n"], input=re.sub(r"\$\{\{.*?\}\}", "value", script), text=True, capture_output=True)
        assert done.returncode == 0, f"{script}\n{done.stderr}"
        for output in re.findall(r"\$\(output (\w+)\)", script):
            assert output in render.source()["Outputs"]
        for script_of_ours in re.findall(r"^\s*((?:infra|\.ci)/\S+)", script, re.M):
            assert (render.INFRA.parent / script_of_ours).exists(), script_of_ours
