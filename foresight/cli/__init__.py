"""The command line: `foresight <command> overrides…`."""
