"""What a program takes for an argument, read from its own check, and nothing guessed."""

from __future__ import annotations

from textwrap import dedent

import pytest

from bot.proposals.code.accepted import MOST, accepted_values

PYTHON = {
    "a set in the test": """
        def ship(order, speed):
            if speed not in {"slow", "fast"}:
                raise ValueError("unknown speed")
        """,
    "a constant, in lower case": """
        SPEEDS = frozenset(["slow", "fast"])
        def ship(order, speed):
            kind = speed.strip().lower()
            if not kind in SPEEDS:
                return {"error": "speed"}
        """,
    "keys of a table": """
        DAYS: dict[str, int] = {"slow": 5, "fast": 1}
        def ship(arguments):
            return DAYS[arguments["speed"]]
        """,
    "both, where one has more": """
        DAYS = {"slow": 5, "fast": 1, "never": 9}
        def ship(order, speed):
            if speed not in ("slow", "fast"):
                raise ValueError(speed)
            return DAYS[speed]
        """,
    "an enum": """
        class Speed(StrEnum):
            SLOW = "slow"
            FAST = "fast"
        def ship(order, speed):
            return send(order, Speed(speed))
        """,
    "values of an enum": """
        class Speed(str, Enum):
            SLOW = "slow"
            FAST = "fast"
        def ship(args):
            if args.get("speed") not in [one.value for one in Speed]:
                raise ToolError("speed")
        """,
    "a match": """
        def ship(order, speed):
            match speed:
                case "slow": days = 5
                case "fast" | "slow": days = 1
                case _: raise ValueError(speed)
        """,
    "a chain": """
        def ship(order, speed):
            if speed == "slow":
                days = 5
            elif speed in ("fast",):
                days = 1
            else:
                raise ValueError(speed)
        """,
    "an annotation": """
        Speed = Literal["slow", "fast"]
        async def ship(order: str, speed: Speed = "slow"): ...
        """,
    "a list in another file": """
        from shop.speeds import ALL as SPEEDS
        def ship(args):
            assert args.speed in SPEEDS
        """,
}
SCRIPT = {
    "includes": """
        const SPEEDS = ["slow", "fast"] as const;
        function ship({ speed }) {
          if (!SPEEDS.includes(speed)) throw new Error("speed");
        }
        """,
    "a set": """
        const SPEEDS: Set<string> = new Set(["slow", "fast"]);
        export async function ship(args: Args) {
          if (!SPEEDS.has(args.speed.toLowerCase())) { return { error: "speed" }; }
        }
        """,
    "a switch": """
        function ship(args) {
          switch (args["speed"]) {
            case "slow": return 5;
            case "fast": return 1;
            default: throw new Error("speed");
          }
        }
        """,
    "a table": """
        const DAYS = { slow: 5, "fast": 1 };
        function ship(args) {
          const speed = String(args["speed"]).trim();
          if (!(speed in DAYS)) throw new Error("speed");
        }
        """,
    "an enum": """
        enum Speed { Slow = "slow", Fast = "fast" }
        function ship(args) {
          if (!Object.values(Speed).includes(args.speed)) throw new Error("speed");
        }
        """,
    "a list in another file": """
        import { SPEEDS } from "./speeds.js";
        function ship(args) {
          if (!SPEEDS.includes(args.speed)) throw new Error("speed");
        }
        """,
}
OTHERS = {
    "src/shop/speeds.py": 'ALL = ("slow", "fast")\n',
    "src/speeds.ts": 'export const SPEEDS = ["slow", "fast"];\n',
}


def accepted(path: str, text: str, argument: str = "speed") -> tuple[str, ...] | None:
    code = dedent(text)
    start = code.index("ship(") if "ship(" in code else 0
    start = code.rfind("\n", 0, start) + 1
    return accepted_values(path, (start, len(code)), argument, {path: code, **OTHERS})


@pytest.mark.parametrize("name", PYTHON)
def test_a_check_in_python_says_what_is_taken(name: str) -> None:
    assert accepted("src/tools.py", PYTHON[name]) == ("slow", "fast")


@pytest.mark.parametrize("name", SCRIPT)
def test_a_check_in_typescript_says_what_is_taken(name: str) -> None:
    assert accepted("src/tools.ts", SCRIPT[name]) == ("slow", "fast")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def ship(speed):\n    return send(speed)\n", id="no-check"),
        pytest.param(
            "def ship(speed):\n    if speed in {'fast', 'now'}:\n        price = 9\n",
            id="a-special-case",
        ),
        pytest.param(
            "def ship(speed):\n    if speed not in {'slow', 'fast'}:\n        speed = 'slow'\n",
            id="anything-is-taken",
        ),
        pytest.param(
            "def ship(speed):\n    if speed not in known():\n        raise ValueError\n",
            id="computed",
        ),
        pytest.param(
            "S = {'slow'}\nS.add(more)\n\ndef ship(speed):\n    if speed not in S:\n"
            "        raise ValueError\n",
            id="it-grows",
        ),
        pytest.param(
            "S = {'slow'}\nif x:\n    S = {'fast'}\n\ndef ship(speed):\n    if speed not in S:\n"
            "        raise ValueError\n",
            id="it-varies",
        ),
        pytest.param(
            "def ship(speed, name):\n    if name == 'a':\n        assert speed in ('x', 'y')\n"
            "    else:\n        assert speed in ('slow', 'fast')\n",
            id="two-that-differ",
        ),
        pytest.param(
            "def ship(speed, way):\n    if way not in {'slow', 'x'}:\n        raise ValueError\n",
            id="another-argument",
        ),
        pytest.param(
            "def ship(speed):\n    if speed == 'slow':\n        pass\n    elif speed == 'fast':\n"
            "        pass\n    else:\n        days = 3\n",
            id="the-rest-is-taken-too",
        ),
        pytest.param("def ship(speed:\n", id="does-not-parse"),
        pytest.param(
            f"def ship(speed):\n    assert speed in {[str(n) for n in range(MOST + 1)]}\n",
            id="too-many",
        ),
    ],
)
def test_where_the_code_does_not_say_it_plainly_nothing_is_told(text: str) -> None:
    assert accepted("src/tools.py", text) is None


@pytest.mark.parametrize(
    "text",
    [
        "function ship(args) { return send(args.speed); }\n",
        "function ship(args) { if (!S.includes(args.speed)) throw new Error(); }\n",
        "let S = ['slow']; S = load();\nfunction ship(a) { if (!S.includes(a.speed)) throw 1; }\n",
        "const S = ['slow'];\nfunction ship(a) { if (!S.includes(a.way)) throw 1; }\n",
        "const S = ['slow'];\nfunction ship(a) { if (!S.includes(a.speed)) log(a); }\n",
        "function ship(a) { switch (a.speed) { case 'slow': return 1; default: a.x = 1; } }\n",
        "const = {",
    ],
)
def test_nor_in_typescript(text: str) -> None:
    assert accepted("src/tools.ts", text) is None


def test_a_file_that_is_no_program_says_nothing() -> None:
    assert accepted("src/tools.rb", "def ship(speed)") is None
