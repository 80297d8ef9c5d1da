"""GitLab CI.

Keys: "CI/CD YAML syntax reference", docs.gitlab.com/ci/yaml. Paths of artifacts take variables in some versions of the runner and
in others do not (gitlab-org/gitlab#388948), so the folder of the run is written out everywhere. One cache for all: a step of the
store is taken only where all that decides it is the same.
"""

from __future__ import annotations

from edgetl.workflows._base import INSTALLED, Job, comment, fill

TITLE, FILE = "GitLab CI.", ".gitlab-ci.yml"
_TEMPLATE = """\
# Written by `edgetl init --ci gitlab`; yours to change. Exit codes of `edgetl run` fail the job: README, "Exit codes".
edgetl:
  image: python:3.12
  timeout: 3h
  variables:
    @installed@
    EDGETL: @install@
    RECIPE: @recipe@
  cache:
    key: edgetl
    paths: [.edgetl]
    when: always
  script:
    - @pip@
    - edgetl run "$RECIPE" --out @run@ --junit @junit@
  artifacts:
    when: always
    name: @name@
    paths: [@reports@, @bundle@]
    reports: {junit: @junit@}
"""


def text(job: Job) -> str:
    """See `WorkflowModule`."""
    places = {"reports": f"{job.run}/report.*", "bundle": f"{job.run}/bundle.zip", "junit": f"{job.run}/junit.xml"}
    template = _TEMPLATE.replace("@installed@", comment(INSTALLED, 4)).replace("@pip@", job.pip)
    return fill(template, {"install": job.install, "recipe": job.recipe, "run": job.run, "name": f"edgetl-{job.name}", **places})
