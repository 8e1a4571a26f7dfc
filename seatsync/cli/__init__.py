"""The command line: one program, one module a command, imported when it is asked for."""
