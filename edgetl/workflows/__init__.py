"""Workflows for CI services, one module each; see `_base.WorkflowModule`."""
