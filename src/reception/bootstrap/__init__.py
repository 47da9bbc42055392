"""
Where configuration is read and everything is joined: the processes and the command line.

Nothing below imports this package. Environment variables, files of the operator, signals
and child processes are known here and nowhere else.
"""
