"""GitLab CI.

Keys: "CI/CD YAML syntax reference", docs.gitlab.com/ci/yaml. One cache for all: a step of the store is taken only where all that
decides it is the same.
"""

from __future__ import annotations

from edgetl.workflows._base import Job, fill

TITLE, FILE = "GitLab CI.", ".gitlab-ci.yml"
_TEMPLATE = """\
# Written by `edgetl init --ci gitlab`; yours to change. Exit codes of `edgetl run` fail the job: README, "Exit codes".
edgetl:
  image: python:3.12
  timeout: 3h
  variables:
    EDGETL: @install@  # what pip installs; also a wheel of this repository, or git+https://…
    RECIPE: @recipe@
    RUN: @run@
  cache:
    key: edgetl
    paths: [.edgetl]
    when: always
  script:
    - python -m pip install "$EDGETL"
    - edgetl run "$RECIPE" --out "$RUN" --junit "$RUN/junit.xml"
  artifacts:
    when: always
    name: @name@
    paths: [@reports@, @bundle@]
    reports: {junit: @junit@}
"""


def text(job: Job) -> str:
    """See `WorkflowModule`."""
    places = {"reports": f"{job.run}/report.*", "bundle": f"{job.run}/bundle.zip", "junit": f"{job.run}/junit.xml"}
    return fill(_TEMPLATE, {"install": job.install, "recipe": job.recipe, "run": job.run, "name": f"edgetl-{job.name}", **places})
