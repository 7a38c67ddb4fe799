"""The command line: one module per family of commands, each thin over the layers below."""
