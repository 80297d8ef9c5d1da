"""GitHub Actions.

Keys and contexts: "Workflow syntax for GitHub Actions", docs.github.com/actions/reference. A saved cache cannot be changed, so
each run saves the store under a key of its own, also when it failed or ran out of time, and takes up the newest: a step of the
store is taken only where all that decides it is the same.
"""

from __future__ import annotations

from edgetl.workflows._base import INSTALLED, Job, comment, fill

TITLE, FILE = "GitHub Actions.", ".github/workflows/edgetl.yml"
_TEMPLATE = """\
# Written by `edgetl init --ci github`; yours to change. Exit codes of `edgetl run` fail the job: README, "Exit codes".
name: edgetl
on:
  push: {branches: [main, master]}
  pull_request: {}
  workflow_dispatch: {}
permissions: {contents: read}
concurrency: {group: "edgetl-${{ github.ref }}", cancel-in-progress: true}
env:
  @installed@
  EDGETL: @install@
  RECIPE: @recipe@
  RUN: @run@
defaults:
  run: {shell: bash}
jobs:
  run:
    runs-on: ubuntu-latest
    timeout-minutes: 180
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with: {python-version: "3.12"}
      - name: Install edgetl
        run: @pip@
      - name: Take up what earlier runs made
        id: store
        uses: actions/cache/restore@v4
        with:
          path: .edgetl
          key: edgetl-${{ runner.os }}-${{ hashFiles(env.RECIPE) }}-${{ github.run_id }}-${{ github.run_attempt }}
          restore-keys: |
            edgetl-${{ runner.os }}-${{ hashFiles(env.RECIPE) }}-
            edgetl-${{ runner.os }}-
      - name: Run the recipe
        run: edgetl run "$RECIPE" --out "$RUN" --junit "$RUN/junit.xml"
      - name: Post the report
        if: ${{ !cancelled() }}
        run: |
          if [ -f "$RUN/report.md" ]; then
            head -c 1000000 "$RUN/report.md" >> "$GITHUB_STEP_SUMMARY"  # GitHub takes a mebibyte
          else
            echo "The run ended before there was a report; its log says why." >> "$GITHUB_STEP_SUMMARY"
          fi
      - name: Keep what was made for the next run
        if: ${{ always() && steps.store.outputs.cache-primary-key }}
        uses: actions/cache/save@v4
        with:
          path: .edgetl
          key: ${{ steps.store.outputs.cache-primary-key }}
      - name: Report, bundle and JUnit
        if: ${{ !cancelled() }}
        uses: actions/upload-artifact@v5
        with:
          name: @name@
          path: |
            ${{ env.RUN }}/report.*
            ${{ env.RUN }}/junit.xml
            ${{ env.RUN }}/bundle.zip
          if-no-files-found: warn
"""


def text(job: Job) -> str:
    """See `WorkflowModule`."""
    words = {"install": job.install, "recipe": job.recipe, "run": job.run, "name": f"edgetl-{job.name}"}
    return fill(_TEMPLATE.replace("@installed@", comment(INSTALLED, 2)).replace("@pip@", job.pip), words)
