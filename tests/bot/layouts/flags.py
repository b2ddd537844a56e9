"""Numbers in files of feature flags and of Weights & Biases."""

from tests.bot.layouts.layout import Layout

FLAGD = """{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "flags": {
    "max_output_tokens": {
      "state": "ENABLED",
      "variants": {"short": 256, "long": 1024},
      "defaultVariant": "short"
    },
    "greeting": {
      "state": "ENABLED",
      "variants": {"on": true, "off": false},
      "defaultVariant": "on"
    }
  }
}
"""

LAUNCH_DARKLY = """{
  "flags": {
    "max-steps": {
      "key": "max-steps",
      "on": true,
      "fallthrough": {"variation": 1},
      "offVariation": 0,
      "variations": [4, 6, 12]
    }
  }
}
"""

LAUNCH_DARKLY_VALUES = """{
  "flagValues": {"max-steps": 6, "tool-timeout-ms": 8000, "new-greeting": true}
}
"""

GROWTHBOOK = """{
  "features": {
    "max-tokens": {"defaultValue": 256, "rules": [{"force": 512, "coverage": 0.05}]}
  }
}
"""

UNLEASH = """version: 1
features:
  - name: tool-timeout
    type: operational
    enabled: true
    variants:
      - name: default
        weight: 1000
        payload: {type: number, value: "8"}
"""

WANDB_DEFAULTS = """wandb_version: 1

max_tokens:
  desc: Longest answer of the desk in tokens, which is raised only with a reason written down
  value: 256
max_steps:
  value: 6
"""

WANDB_SWEEP = """program: evaluate.py
method: bayes
metric: {name: solved, goal: maximize}
parameters:
  max_tokens: {values: [128, 256, 512]}
  max_steps: {min: 2, max: 12}
"""

FLAGS = (
    Layout(
        name="flagd",
        path="flags/desk.flagd.json",
        text=FLAGD,
        numbers={"maxoutputtokens": "256"},
        broken="]",
    ),
    Layout(
        name="LaunchDarkly",
        path="flags.json",
        text=LAUNCH_DARKLY,
        numbers={"maxsteps": "6"},
        broken="]",
    ),
    Layout(
        name="LaunchDarkly, values only",
        path="flagdata.json",
        text=LAUNCH_DARKLY_VALUES,
        numbers={"maxsteps": "6", "tooltimeoutms": "8000"},
        broken="]",
    ),
    Layout(
        name="GrowthBook",
        path="growthbook.json",
        text=GROWTHBOOK,
        numbers={"maxtokens": "256"},
        broken="]",
    ),
    Layout(
        name="Unleash",
        path="unleash/flags.yml",
        text=UNLEASH,
        numbers={"tooltimeout": "8"},
        broken="\nbroken: [1\n",
    ),
    Layout(
        name="Weights & Biases, defaults",
        path="config-defaults.yaml",
        text=WANDB_DEFAULTS,
        numbers={"maxtokens": "256", "maxsteps": "6"},
        broken="\nbroken: [1\n",
    ),
    Layout(name="Weights & Biases, sweep", path="sweep.yaml", text=WANDB_SWEEP),
)
