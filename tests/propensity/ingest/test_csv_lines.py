"""Whatever a CSV file looks like, every row has its own line and one bad line spoils no other."""

import gzip
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from propensity.errors import InputError
from propensity.ingest import csv_lines
from propensity.ingest.csv_lines import Block, _number_lines, read_blocks

ENDS = {"unix": "\n", "dos": "\r\n", "old mac": "\r"}


@pytest.fixture
def read(contract):
    """All blocks of a file: id by line, torn reason by line."""

    def read(path: Path) -> tuple[dict[int, str], dict[int, str]]:
        blocks = list(read_blocks(path, contract))
        return dict(pair for b in blocks for pair in _ids(b)), {
            row.line: row.found for b in blocks for row in b.torn
        }

    return read


def _ids(block: Block) -> zip:
    ids = block.cells.column("id").to_pylist()
    return zip(block.lines.tolist(), ids, strict=True)


@pytest.fixture(params=[200, 1000, csv_lines.BLOCK_BYTES])
def block_bytes(request, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(csv_lines, "BLOCK_BYTES", request.param)
    return request.param


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("last", [True, False], ids=["", "no line end at the end"])
def test_line_ends(read, book_csv, line, end: str, last: bool) -> None:
    rows = [line(1), "", line(2), "1,2", line(3)]
    ids, torn = read(book_csv(*rows, end=end, last=last))
    assert ids == {2: "1", 4: "2", 6: "3"}
    assert torn == {5: "2 fields"}


@pytest.mark.usefixtures("block_bytes")
def test_a_carriage_return_alone_ends_a_line_too(read, book_csv, line) -> None:
    ids, torn = read(book_csv(line(1), "a\rb", *map(line, range(4, 90))))
    assert torn == {3: "1 fields", 4: "1 fields"}
    assert ids == {2: "1"} | {k + 1: str(k) for k in range(4, 90)}


@pytest.mark.parametrize("name", ["book.csv", "book.csv.gz", "BOOK.CSV.GZ"])
def test_lines_across_blocks(read, book_csv, line, block_bytes, contract, name: str) -> None:
    kinds = [line, line, lambda k: f"{k},torn", line, lambda _: "", lambda k: line(k) + ",1,2"]
    rows = [kinds[k * k % 7 % 6](k) for k in range(300)] + ["torn"] * 9
    path = book_csv(*rows, name=name)
    if name.lower().endswith("gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    ids, torn = read(path)
    n_fields = {k + 2: row.count(",") + 1 for k, row in enumerate(rows) if row}
    assert ids == {n: rows[n - 2].split(",")[0] for n in n_fields if n_fields[n] == 12}
    assert torn == {n: f"{k} fields" for n, k in n_fields.items() if k != 12}
    blocks = list(read_blocks(path, contract))
    assert (len(blocks) > 1) == (block_bytes < 10_000)
    read_so_far = [b.n_bytes_read for b in blocks]
    assert read_so_far == sorted(read_so_far)
    assert read_so_far[-1] == path.stat().st_size


@settings(deadline=None)
@given(st.data())
def test_number_lines_steps_over_torn_rows(data) -> None:
    first = data.draw(st.integers(2, 10**12))
    is_torn = data.draw(st.lists(st.booleans(), max_size=50))
    torn = [first + k for k, t in enumerate(is_torn) if t]
    lines = _number_lines(first, len(is_torn) - len(torn), torn).tolist()
    assert sorted(lines + torn) == list(range(first, first + len(is_torn)))
    assert lines == sorted(lines)


@settings(deadline=None, max_examples=100)
@given(
    texts=st.lists(st.text(',"ab é', max_size=12), max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
    size=st.sampled_from([150, 400, 10**6]),
)
@example(texts=["", ',"'], end="\n", size=10**6)  # took sound rows along on Python 3.11.2
def test_no_line_disturbs_another(book_csv, line, contract, texts, end: str, size: int) -> None:
    """Sound rows between lines of quotes, commas and other letters keep their lines."""
    rows = [row for k, text in enumerate(texts) for row in (text, line(1000 + k))]
    path = book_csv(*rows, end=end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_lines, "BLOCK_BYTES", size)
        blocks = list(read_blocks(path, contract))
    found = {n: i for b in blocks for n, i in _ids(b) if i.isdigit()}
    assert found == {3 + 2 * k: str(1000 + k) for k in range(len(texts))}
    told = {n for b in blocks for n in [*b.lines.tolist(), *(row.line for row in b.torn)]}
    with_content = {k + 2 for k, row in enumerate(rows) if row.replace('""', "").strip(",")}
    assert with_content <= told


@pytest.mark.parametrize("position", ["first", "last"])
@pytest.mark.parametrize("cell", ['"Male', '"Ma""le', '"Ma,le""'])
@pytest.mark.usefixtures("block_bytes")
def test_an_open_quote_spoils_its_own_line_only(
    read, book_csv, line, cell: str, position: str
) -> None:
    spoilt = line(50, Gender=cell) if position == "first" else f'{line(50)[:-1]}"1'
    rows = [*map(line, range(40)), spoilt, *map(line, range(60, 99)), spoilt]
    ids, torn = read(book_csv(*rows))
    assert torn == dict.fromkeys([42, 82], "a quote that is not closed")
    assert len(ids) == 79


@pytest.mark.parametrize(
    ("gender", "cell"),
    [
        ('"Male"', "Male"), ('"Ma,le"', "Ma,le"), ('"Ma""le"', 'Ma"le'), ('Ma"le', 'Ma"le'),
        ('5"', '5"'), ("Mä", "Mä"), ("M\udce4", "M\ufffd"), ("\udcff\udcfe", "\ufffd\ufffd"),
    ],
)  # fmt: skip
def test_cells_as_they_stand(book_csv, line, contract, gender: str, cell: str) -> None:
    (block,) = read_blocks(book_csv(line(1), line(2, Gender=gender), line(3)), contract)
    assert block.cells.column("Gender").to_pylist() == ["Male", cell, "Male"]
    assert block.lines.tolist() == [2, 3, 4]


def test_a_row_both_torn_and_not_utf8_is_torn(read, book_csv, line) -> None:
    assert read(book_csv(line(1), "2,M\udce4", line(3))) == ({2: "1", 4: "3"}, {3: "2 fields"})


def test_a_cell_over_two_lines_is_two_broken_lines(read, book_csv, line) -> None:
    ids, torn = read(book_csv(line(1), line(2, Gender='"Ma\nle"'), line(3)))
    assert ids == {2: "1", 5: "3"}
    assert torn == {3: "a quote that is not closed", 4: "11 fields"}


def test_lines_without_content_are_left_out(read, book_csv, line) -> None:
    assert read(book_csv("", line(1), "," * 11, line(2), "", "")) == ({3: "1", 5: "2"}, {})


def test_columns_in_any_order_others_ignored(book_csv, contract) -> None:
    names = [c.name for c in contract.columns]
    header = ["note", *reversed(names), "note", "n\udce4me"]
    row = ['"a, b"', *(f"<{n}>" for n in reversed(names)), "", "M\udcfcller"]
    (block,) = read_blocks(book_csv(",".join(row), header=",".join(header)), contract)
    assert block.cells.to_pylist() == [{n: f"<{n}>" for n in names}]


def test_byte_order_mark_and_quoted_header(book_csv, line, contract) -> None:
    header = "\ufeff" + ",".join(f'"{c.name}"' for c in contract.columns)
    (block,) = read_blocks(book_csv(line(7), header=header), contract)
    assert next(_ids(block)) == (2, "7")


def test_response_may_be_missing_as_a_column(book_csv, line, contract) -> None:
    header = ",".join(c.name for c in contract.columns if not c.optional)
    (block,) = read_blocks(book_csv(line(7)[:-2], header=header), contract)
    assert "Response" not in block.cells.schema.names


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",Vintage", ",Vintag", "no column 'Vintage'.*days since.*Did you mean 'Vintag'"),
        (",Age", ",AGE", "no column 'Age'.*Did you mean 'AGE'"),
        (",Age", ", Age", "no column 'Age'.*Did you mean ' Age'"),
        (",Vintage", ",Vint\udce4ge", "no column 'Vintage'.*Did you mean 'Vint\ufffdge'"),
        (",Vehicle_Age", "", "no column 'Vehicle_Age'.*Add the column"),  # not Vehicle_Damage
        ("id,", "", "no column 'id'.*a whole number from 0 to 999999999999999.*Add the column"),
        (",Response", ",response", "no column 'Response'.*or blank.*Did you mean 'response'"),
        (",Response", ",Reponse", "no column 'Response'.*Did you mean 'Reponse'"),
        (",Vintage", ",Age", "column 'Age' occurs 2 times.*Remove or rename"),
        (",Response", ",Response,Response", "column 'Response' occurs 2 times"),
        (",", ";", "no column 'id' among id;Gender.*Separate the columns with commas"),
        (",", "\t", "no column 'id'.*Separate the columns with commas"),
        ("id,", "id\0,", "binary or UTF-16, not UTF-8 text"),
        ("id,", "x" * 200_000 + ",id,", "no header: field larger"),
    ],
)  # fmt: skip
def test_a_wrong_header_gets_one_clear_error(book_csv, line, contract, old, new, words) -> None:
    header = ",".join(c.name for c in contract.columns).replace(old, new)
    path = book_csv(line(1), header=header)
    with pytest.raises(InputError, match=words) as error:
        list(read_blocks(path, contract))
    assert str(path) in str(error.value)
    assert "line 1" in str(error.value)
    assert len(str(error.value)) < 1_200


@pytest.mark.parametrize("column", ["Responsible_Agent", "Responder", "Answer"])
def test_a_column_that_only_resembles_the_response_is_ignored(
    book_csv, line, contract, column: str
) -> None:
    header = ",".join(c.name for c in contract.columns).replace("Response", column)
    (block,) = read_blocks(book_csv(line(1), header=header), contract)
    assert block.cells.num_columns == 11


CONTENT = b"id,Gender\n" + b"1,Male\n" * 1000
PACKED = gzip.compress(CONTENT, mtime=0)  # the time of day would give both test workers other names


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("book.csv", b"", "line 1: the file is empty"),
        ("book.csv.gz", b"", "line 1: the file is empty"),
        ("book.csv.gz", gzip.compress(b"", mtime=0), "line 1: the file is empty"),
        ("book.csv", b"\n\n", "line 1: no header: the line is blank"),
        ("book.csv", PACKED, "not UTF-8 text.*gzipped if its name ends in .gz"),
        ("book.csv", CONTENT.decode().encode("utf-16"), "binary or UTF-16.*in UTF-8"),
        ("book.csv.gz", CONTENT, "incorrect header check.*gzipped if its name ends in .gz"),
        ("book.csv.gz", PACKED[:-30], "Truncated.*Expected a complete CSV file"),
        ("book.csv.gz", PACKED[:-1], "Truncated.*Expected a complete CSV file"),
    ],
)
def test_an_unreadable_file_gets_one_clear_error(
    tmp_path, contract, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words) as error:
        list(read_blocks(tmp_path / name, contract))
    assert str(tmp_path / name) in str(error.value)


def test_a_folder_is_no_file(tmp_path: Path, contract) -> None:
    with pytest.raises(InputError, match="Is a directory"):
        list(read_blocks(tmp_path, contract))


def test_a_file_cut_off_late_says_about_where(book_csv, line, contract, monkeypatch) -> None:
    monkeypatch.setattr(csv_lines, "BLOCK_BYTES", 5_000)
    path = book_csv(*map(line, range(3_000)), name="book.csv.gz")
    packed = gzip.compress(path.read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    blocks = read_blocks(path, contract)
    lines = [0]
    with pytest.raises(InputError, match="near line") as error:
        lines += [int(b.lines[-1]) for b in blocks]
    assert 500 < int(str(error.value).split("near line ")[1].split(":")[0]) < 3_000


def test_gzip_members_follow_one_another(read, book_csv, line) -> None:
    path = book_csv(line(1), name="book.csv.gz")
    path.write_bytes(gzip.compress(path.read_bytes()) + gzip.compress(f"{line(2)}\n".encode()))
    assert read(path) == ({2: "1", 3: "2"}, {})


def test_a_line_without_end_does_not_fill_the_memory(book_csv, contract, line, monkeypatch) -> None:
    monkeypatch.setattr(csv_lines, "BLOCK_BYTES", 1_000)
    path = book_csv(line(1), "x" * 10_000)
    with pytest.raises(InputError, match="near line 3: no end of line in"):
        list(read_blocks(path, contract))


def test_a_header_alone_has_no_rows(read, book_csv) -> None:
    assert read(book_csv()) == read(book_csv(last=False)) == ({}, {})
