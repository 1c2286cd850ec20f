"""The contract: what the real one declares, and that a wrong one is refused by name."""

import ast
from pathlib import Path

import pyarrow as pa
import pytest

from propensity.errors import ContractError, InputError
from propensity.ingest.contract import INSURANCE, Contract, load_contract

ROOT = Path(__file__).parents[3]
GOOD = """
name = "tiny"
[rule]
description = "damaged"
where = { Damaged = "Yes" }
[[columns]]
name = "number"
role = "policyholder_id"
dtype = "int64"
meaning = "who"
[[columns]]
name = "Damaged"
role = "category"
dtype = "string"
domain = ["No", "Yes"]
meaning = "damaged before"
[[columns]]
name = "Income"
role = "numeric"
dtype = "float64"
unit = "euros"
range = [0.5, 9000]
meaning = "income"
[[columns]]
name = "Bought"
role = "response"
dtype = "int8"
domain = [0, 1]
optional = true
meaning = "bought"
"""


@pytest.fixture
def load(tmp_path: Path):
    def load(text: str) -> Contract:
        (tmp_path / "tiny.toml").write_text(text)
        return load_contract(tmp_path / "tiny.toml")

    return load


def test_insurance_columns_have_one_role_each(contract: Contract) -> None:
    assert contract.policyholder_id.name == "id"
    assert contract.response.name == "Response"
    assert {c.name for c in contract.numerics} == {"Age", "Annual_Premium", "Vintage"}
    assert len(contract.categories) == 7
    assert len(contract.columns) == 2 + len(contract.features) == 12
    assert [c.name for c in contract.columns if c.optional] == ["Response"]
    assert all(c.meaning for c in contract.columns)
    assert all(c.unit for c in contract.numerics)


def test_curated_schema_renames_the_id_and_the_response_and_adds_the_fold(load) -> None:
    expected = {
        "policyholder_id": pa.int64(), "Damaged": pa.string(), "Income": pa.float64(),
        "response": pa.int8(), "fold": pa.int8(),
    }  # fmt: skip
    assert load(GOOD).schema == pa.schema(expected)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("id", "a whole number from 0 to 999999999999999"),
        ("Gender", "one of 'Female', 'Male'"),
        ("Age", "a whole number from 18 to 120 years"),
        ("Annual_Premium", "a number from 0 to 10000000 rupees per year"),
        ("Response", "one of 0, 1, or blank"),
    ],
)
def test_expectation_is_in_words(contract: Contract, name: str, words: str) -> None:
    assert next(c for c in contract.columns if c.name == name).expectation == words


def test_expectation_without_bounds_names_the_type(load) -> None:
    assert load(GOOD).policyholder_id.expectation == "a whole number (int64)"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'role = "numeric"',
            'role = "number"',
            "'Income': role 'number'. Expected 'policyholder_id', ",
        ),
        ('dtype = "float64"', 'dtype = "float"', "'Income'.*dtype 'float'.*float64"),
        ('unit = "euros"', 'units = "euros"', "'Income'.*units"),
        ('name = "Income"', 'name = "Damaged"', "Damaged is declared more than once"),
        ('name = "Income"', 'name = "fold"', "fold is declared more than once"),
        ('name = "Income"', 'name = "response"', "response is declared more than once"),
        ('role = "category"', 'role = "response"', "'Damaged': domain.*0, 1"),
        ('role = "numeric"', 'role = "category"', "no column has role 'numeric'"),
        ("range = [0.5, 9000]", "range = [9000, 0.5]", "'Income': range.*lowest, highest"),
        ("range = [0.5, 9000]", "range = [9000]", r"'Income': range \[9000\]. Expected .lowest"),
        ("domain = [0, 1]", 'domain = ["0", "1"]', "'Bought': domain"),
        ('domain = ["No", "Yes"]', "domain = [0, 1]", "'Damaged': domain.*string"),
        ("domain = [0, 1]", "domain = [0, 1, 2]", "'Bought': domain"),
        ("domain = [0, 1]", "", "'Bought': no domain"),
        ("domain = [0, 1]", "domain = [0, 300]", "'Bought': domain"),
        ('dtype = "int64"', 'dtype = "string"', "'number'.*int64 or smaller"),
        ('dtype = "int64"', 'dtype = "int64"\noptional = true', "'number': optional = true"),
        ('role = "numeric"', 'role = "numeric"\noptional = true', "'Income': optional = true"),
        ('Damaged = "Yes"', 'Damage = "Yes"', "rule is about Damage, which is not a feature"),
        ('Damaged = "Yes"', 'Damaged = "yes"', "rule requires Damaged = 'yes'"),
        ('Damaged = "Yes"', "Bought = 1", "rule is about Bought, which is not a feature"),
        ('Damaged = "Yes"', "Income = 9001", "rule requires Income = 9001. Expected a number from"),
        ('Damaged = "Yes"', 'Income = "much"', "rule requires Income = 'much'"),
        ("[rule]", "[rules]", "unknown key 'rules'. Did you mean 'rule'"),
        ('name = "tiny"', "", "tiny.toml has no 'name'"),
        ("[rule]", "[rule", "tiny.toml: "),
        ("[rule]", "rule = 3\n[other]", "tiny.toml: unknown key 'other'"),
        ('meaning = "income"', "", "'Income' has no 'meaning'"),
        ('name = "Income"', "", "column 3 has no 'name'"),
        ('dtype = "float64"', 'dtype = "string"', "'Income': range on a column of text"),
        (
            "optional = true",
            'optional = "yes"',
            "'Bought': optional 'yes'. Expected a valid boolean",
        ),
        ('domain = ["No", "Yes"]', "domain = [0.5]", "'Damaged': domain .0.5.. Expected a list of"),
        ('domain = ["No", "Yes"]', 'domain = "No"', "'Damaged': domain 'No'. Expected a list of"),
        ('unit = "euros"', 'published_as = "income"', "'income'. Expected 'region_code' or 's"),
        ('unit = "euros"', 'published_as = "region_code"', "'Income': published_as with dtype"),
        ('dtype = "int64"', 'dtype = "int64"\nrange = [0, 1e30]', "'number': range"),
    ],
)
def test_a_wrong_contract_is_refused(load, old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(ContractError, match=words):
        load(GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "range = [18, 120]",
            'range = ["18", "65"]',
            ", column 'Age': range ['18', '65']. Expected [lowest, highest], two numbers.",
        ),
        (
            'domain = ["Female", "Male"]',
            "range = [0, 1]",
            ", column 'Gender': range on a column of text. Expected a domain, or neither.",
        ),
        (
            'meaning = "age of the policyholder"',
            'mening = "age of the policyholder"',
            ", column 'Age': unknown key 'mening'. Did you mean 'meaning'? Rename it.",
        ),
        (
            'where = { Previously_Insured = 0, Vehicle_Damage = "Yes" }',
            "where = { }",
            ": the rule has no condition, where = {}. Expected a feature and its value.",
        ),
        (
            'dtype = "int64"\nrange = [0, 999_999_999_999_999]',
            'dtype = "string"',
            ", column 'id': dtype 'string' with role 'policyholder_id'. Expected int64 or smaller.",
        ),
    ],
    ids=["c1", "c2", "c5", "c6", "c7"],
)
def test_a_contract_that_failed_is_refused_with_one_sentence(tmp_path, old, new, words) -> None:
    text = INSURANCE.read_text()
    assert old in text
    (tmp_path / "insurance.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ContractError) as refused:
        load_contract(tmp_path / "insurance.toml")
    assert str(refused.value) == f"insurance.toml{words}"
    assert refused.value.exit_code == 3


def test_the_digest_is_of_the_text(load) -> None:
    assert load(GOOD).digest == load(GOOD).digest
    assert load(GOOD).digest != load(GOOD + "# a comment\n").digest


def test_only_the_contract_names_a_column(contract: Contract) -> None:
    """A second place that spells a column would have to be changed with it."""
    names = {c.name for c in (*contract.features, contract.response)}
    files = [f for p in ("flows", "tasks", "propensity") for f in (ROOT / p).rglob("*.py")]
    found = {
        f"{file.relative_to(ROOT)}: {node.value}"
        for file in files
        if "simul" not in str(file)  # a simulator has to know what it simulates
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert len(files) > 20
    assert found == set()
    assert all(name in INSURANCE.read_text() for name in names)


def test_an_error_says_what_was_found_what_was_expected_and_what_to_do() -> None:
    error = InputError("a.csv, line 3: Age '-1'", expected="18 to 120.", todo="Mend it")
    assert str(error) == "a.csv, line 3: Age '-1'. Expected 18 to 120. Mend it."
    assert str(InputError("Nothing")) == "Nothing."
    assert error.exit_code == 3
