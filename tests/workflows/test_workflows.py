"""`edgetl init --ci`: what is written is what the service takes, and nothing else is touched.

The steps are run in tests/pipeline/test_tiny_end_to_end.py. Facts of the services: docs.github.com/actions/reference, "Workflow
syntax"; docs.gitlab.com/ci/yaml. Both files were held against SchemaStore's schemas, GitHub's also against actionlint, by hand.
"""

import re
import shutil

import pytest
import yaml

from edgetl import registry

JOB_KEYS = {"runs-on", "timeout-minutes", "steps"}
STEP_KEYS = {"name", "id", "if", "uses", "with", "run"}
INPUTS = {
    "actions/checkout": set(),
    "actions/setup-python": {"python-version"},
    "actions/cache/restore": {"path", "key", "restore-keys"},
    "actions/cache/save": {"path", "key"},
    "actions/upload-artifact": {"name", "path", "if-no-files-found"},
}
CONTEXTS = {"env", "runner", "github", "steps"}
FUNCTIONS = {"hashFiles", "cancelled", "always"}


@pytest.fixture
def repository(tmp_path, photos):
    """A repository of photos without a recipe."""
    (tmp_path / ".git").mkdir()
    shutil.copytree(photos, tmp_path / "photos")
    return tmp_path


def _init(edgetl, *arguments):
    done = edgetl("init", *arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_githubs_is_of_its_form(edgetl, repository):
    _init(edgetl, "fruit", "--photos", "photos", "--ci", "github")
    text = (repository / ".github" / "workflows" / "edgetl.yml").read_text()
    found = yaml.load(text, Loader=yaml.BaseLoader)  # YAML 1.1 reads `on` as true; GitHub does not
    assert set(found) == {"name", "on", "permissions", "concurrency", "env", "defaults", "jobs"}
    assert set(found["on"]) == {"push", "pull_request", "workflow_dispatch"} and found["permissions"] == {"contents": "read"}
    assert found["env"]["RECIPE"] == "fruit/recipe.yaml" and found["env"]["RUN"] == "runs/fruit"
    (job,) = found["jobs"].values()
    assert set(job) == JOB_KEYS and int(job["timeout-minutes"]) <= 360, "GitHub ends a job after six hours"
    used = {}
    for step in job["steps"]:
        assert set(step) <= STEP_KEYS and ("run" in step) != ("uses" in step)
        if "uses" in step:
            action, version = step["uses"].split("@")
            assert set(step.get("with", {})) <= INPUTS[action] and re.fullmatch(r"v\d+", version), "a major version"
            used[action] = step
    assert set(used) == set(INPUTS)
    key = used["actions/cache/restore"]["with"]["key"]
    assert "," not in re.sub(r"\$\{\{.*?\}\}", "", key), "the service refuses a key with a comma"
    changing = key.index("-${{ github.run_id }}-${{ github.run_attempt }}")
    older = used["actions/cache/restore"]["with"]["restore-keys"].split("\n")
    assert older[0] == key[: changing + 1] and key.startswith(older[1]), "a key is saved once: each run needs its own"
    save = used["actions/cache/save"]
    assert "always()" in save["if"] and "cache-hit" not in save["if"] and "outputs.cache-primary-key" in save["with"]["key"]
    assert used["actions/cache/restore"]["with"]["path"] == used["actions/cache/save"]["with"]["path"] == ".edgetl"
    assert {"junit.xml", "bundle.zip", "report.*"} == {
        line.rpartition("/")[2] for line in used["actions/upload-artifact"]["with"]["path"].splitlines()
    }
    for expression in re.findall(r"\$\{\{(.*?)\}\}", text):
        bare = re.sub(r"'[^']*'", "", expression)
        assert set(re.findall(r"(\w+)\.", bare)) <= CONTEXTS | {"outputs", "store"}, expression
        assert set(re.findall(r"(\w+)\(", bare)) <= FUNCTIONS, expression
    assert not re.search(r"run:.*\$\{\{", text), "an expression in a shell step is an injection"


def test_gitlabs_is_of_its_form(edgetl, repository):
    _init(edgetl, "fruit", "--photos", "photos", "--ci", "gitlab")
    (job,) = yaml.safe_load((repository / ".gitlab-ci.yml").read_text()).values()
    assert set(job) == {"image", "timeout", "variables", "cache", "script", "artifacts"}
    assert job["artifacts"]["reports"] == {"junit": "runs/fruit/junit.xml"} and job["artifacts"]["when"] == "always"
    assert 'edgetl run "$RECIPE" --out "runs/fruit" --junit "runs/fruit/junit.xml"' in job["script"], (
        "where artifacts are looked for"
    )
    assert job["artifacts"]["paths"] == ["runs/fruit/report.*", "runs/fruit/bundle.zip"]
    assert job["variables"]["RECIPE"] == "fruit/recipe.yaml"


def test_a_recipe_that_is_there_needs_no_photos_and_is_not_touched(edgetl, repository):
    _init(edgetl, "fruit", "--photos", "photos")
    before = (repository / "fruit" / "recipe.yaml").read_bytes()
    texts = []
    for given in ("fruit", "fruit/recipe.yaml"):
        done = _init(edgetl, given, "--ci", "github")
        assert "Commit .github/workflows/edgetl.yml, fruit/recipe.yaml, photos/." in done.stdout and done.stderr == ""
        path = repository / ".github" / "workflows" / "edgetl.yml"
        texts.append(path.read_text())
        path.unlink()
    assert texts[0] == texts[1] and (repository / "fruit" / "recipe.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fruit"], "--photos FOLDER"),
        (["fruit", "--ci", "github"], "--photos FOLDER"),
        (["fruit", "--photos", "photos", "--ci", "jenkins"], "no workflow named 'jenkins'. Known: github, gitlab"),
        (["old", "--photos", "photos", "--ci", "github"], "recipe.yaml: is there already"),
        (["fruit", "--photos", "photos", "--ci", "gitlab"], ".gitlab-ci.yml: is there already"),
        (["strange", "--ci", "github"], "Rename it: '${{ evil }}/recipe.yaml'"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(edgetl, repository, arguments, told):
    (repository / "old").mkdir()
    (repository / "old" / "recipe.yaml").write_text("schema: 1\n")
    (repository / ".gitlab-ci.yml").write_text("mine: {}\n")
    if arguments[0] == "strange":
        _init(edgetl, "fruit", "--photos", "photos")
        (repository / "fruit").rename(repository / "${{ evil }}")
        arguments = ["${{ evil }}", *arguments[1:]]
    before = sorted((p.as_posix(), p.read_bytes()) for p in repository.rglob("*") if p.is_file())
    done = edgetl("init", *arguments)
    assert done.returncode == 2 and told in done.stderr, done.stderr
    assert sorted((p.as_posix(), p.read_bytes()) for p in repository.rglob("*") if p.is_file()) == before


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_what_pip_needs_is_told_and_versions_are_pinned_where_the_repository_pins_them(edgetl, repository, service):
    path = repository / registry.load("workflows", service).FILE
    for pins in (False, True):
        if pins:
            (repository / "constraints.txt").write_text("numpy==2.0.0\n")
        done = _init(edgetl, "fruit", *(() if pins else ("--photos", "photos")), "--ci", service)
        assert f"set EDGETL in {path.relative_to(repository)} to a git address or to a wheel" in done.stdout
        text = path.read_text()
        assert ('pip install -c constraints.txt "$EDGETL"' in text) == pins and ('pip install "$EDGETL"' in text) != pins
        assert (
            "# What pip installs" in text
            and "git+https://" in text
            and "@" not in text.replace("@v", "").replace("@ git", "").replace("@COMMIT", "")
        )
        path.unlink()


def test_photos_outside_and_a_folder_without_git_are_told_in_one_kind_of_path(edgetl, repository):
    (repository / ".git").rename(repository / "other")
    done = _init(edgetl, "fruit", "--photos", "photos", "--ci", "github")
    assert f"Paths are from {repository}." in done.stdout and "That is no git repository" in done.stdout
    (repository / ".github" / "workflows" / "edgetl.yml").unlink()
    (repository / "fruit" / ".git").mkdir()
    done = _init(edgetl, "fruit", "--ci", "github")
    assert done.stderr == "" and "no git repository" not in done.stdout
    assert (
        "Commit .github/workflows/edgetl.yml, recipe.yaml.\nCI does not have ../photos: outside of the repository." in done.stdout
    )


@pytest.mark.parametrize("name", registry.names("workflows"))
def test_each_says_where_its_service_looks(name):
    assert registry.load("workflows", name).FILE in (".github/workflows/edgetl.yml", ".gitlab-ci.yml")
