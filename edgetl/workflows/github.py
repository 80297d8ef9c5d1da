"""GitHub Actions.

Keys and contexts: "Workflow syntax for GitHub Actions", docs.github.com/actions/reference. The store is saved under a key of its
own when the run did not end well: what did get done is taken up by the next one, and does not stand in the way of a whole one.
"""

from __future__ import annotations

from edgetl.workflows._base import Job, fill

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
  EDGETL: @install@  # what pip installs; also a wheel of this repository, or git+https://…
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
        run: python -m pip install "$EDGETL"
      - name: Take up what earlier runs made
        id: store
        uses: actions/cache/restore@v4
        with:
          path: .edgetl
          key: "edgetl-${{ env.EDGETL }}-${{ runner.os }}-${{ hashFiles(@decides@) }}"
          restore-keys: |
            edgetl-${{ env.EDGETL }}-${{ runner.os }}-${{ hashFiles(@decides@) }}
            edgetl-${{ env.EDGETL }}-${{ runner.os }}-
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
        if: ${{ !cancelled() && steps.store.outputs.cache-hit != 'true' }}
        uses: actions/cache/save@v4
        with:
          path: .edgetl
          key: ${{ steps.store.outputs.cache-primary-key }}${{ job.status != 'success' && format('-{0}', github.run_id) || '' }}
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
    decides = ", ".join(f"'{path}**'" if path.endswith("/") else f"'{path}'" for path in job.decides)
    words = {"install": job.install, "recipe": job.recipe, "run": job.run, "name": f"edgetl-{job.name}"}
    return fill(_TEMPLATE.replace("@decides@", decides), words)
