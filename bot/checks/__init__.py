"""What `debrief doctor` looks at: facts in, checks out, each with its fix in one sentence.

Pure: `bot.commands.doctor` gathers the facts.
"""
