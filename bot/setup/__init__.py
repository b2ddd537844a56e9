"""What a repository needs for Debrief: its settings, its workflows, and the words around them.

Takes the files of a repository, gives texts; reads and writes nothing itself. `debrief init` and
`debrief config check` carry it out.
"""
