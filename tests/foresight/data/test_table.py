"""The table of a folder of videos: read right, or refused in one line that names file and row."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from foresight.data.table import listed
from foresight.errors import UserError


def write(folder: Path, text: str, *, name: str = "metadata.csv", encoding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(encoding))
    return folder


def rows(folder: Path) -> list[tuple[str, str, float]]:
    return [(clip.path.name, clip.instruction, clip.start) for clip in listed(folder)]


PLAIN = [("a.mp4", "push left, then right", 2.5), ("b.mp4", "", 0.0)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables_of_any_spreadsheet_say_the_same(tmp_path: Path, delimiter: str, end: str, encoding: str) -> None:
    """Delimiter, line ends, byte order marks and empty rows make no difference; a quoted cell stays whole."""
    lines = ["file_name,instruction,start", 'a.mp4,"push left, then right",2.5', "b.mp4,,", ",,", ""]
    text = end.join(lines).replace(",", delimiter).replace(f"left{delimiter}", "left,")
    assert rows(write(tmp_path, text, encoding=encoding)) == PLAIN


def test_a_told_delimiter_and_blanks_after_it(tmp_path: Path) -> None:
    """`sep=;` as spreadsheets write it is heard, and blanks around names and cells are none of their own."""
    text = "sep=;\nfile_name; instruction; start\na.mp4; push left, then right; 2.5\nb.mp4;;\n"
    assert rows(write(tmp_path, text)) == PLAIN


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.json"])
def test_json_says_the_same(tmp_path: Path, name: str) -> None:
    """One object per line or a list; a byte order mark and characters that only look like line ends do no harm."""
    told = [
        {"file_name": "a.mp4", "instruction": "push left, then right", "start": 2.5},
        {"file_name": "b.mp4", "instruction": "\u2028", "start": None},
    ]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in told) if name == "metadata.jsonl" else ""
    write(tmp_path, text or json.dumps(told, indent=1), name=name, encoding="utf-8-sig")
    assert rows(tmp_path) == [PLAIN[0], ("b.mp4", "\u2028", 0.0)]


@pytest.mark.parametrize(
    "text",
    [
        "file_name,instruction\na.mp4,push left, then right\n",
        "file_name,instruction,start\na.mp4,push left, then right,5\n",
        "file_name,instruction,notes\na.mp4,push left, then right\n",
        "file_name,instruction,\na.mp4,push left,then right\n",
        "file_name,instruction,start\na.mp4,push\n",
        "file_name,instruction\na.mp4,'push left, then right'\n",
    ],
)
def test_a_comma_never_cuts_an_instruction(tmp_path: Path, text: str) -> None:
    """Where cells and columns do not agree the row is refused with what to write."""
    with pytest.raises(UserError, match=r"row 1 \(line 2\) of .*metadata\.csv.*in quotes"):
        listed(write(tmp_path, text))


@pytest.mark.parametrize("text", ['"push left', r'"say \"go\", then"'])
def test_quotes_that_do_not_close_are_refused(tmp_path: Path, text: str) -> None:
    """A quote swallows no rows."""
    with pytest.raises(UserError, match=r"quotes are closed.*line [23] of .*metadata\.csv"):
        listed(write(tmp_path, f"file_name,instruction\na.mp4,{text}\nb.mp4,pull\n"))


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("start_frame", "start"),
        ("t_start", "start"),
        ("strat", "start"),
        ("begin", "start"),
        ("time", "start"),
        ("Offset (s)", "start"),
        ("timestamp_ms", "start"),
        ("description", "instruction"),
        ("Captions", "instruction"),
        ("instuction", "instruction"),
        ("filename", "file_name"),
        ("video_path", "file_name"),
    ],
)
def test_a_column_by_another_name_is_refused_with_the_right_one(tmp_path: Path, column: str, meant: str) -> None:
    """None is dropped without a word: a start that is not heard makes every clip the file's beginning."""
    cells = {"file_name": "a.mp4", "instruction": "push", "start": "5"}
    cells[column] = cells.pop(meant)
    with pytest.raises(UserError, match=f"call it {meant}"):
        listed(write(tmp_path, f"{','.join(cells)}\n{','.join(cells.values())}\n"))
    (tmp_path / "metadata.csv").unlink()
    with pytest.raises(UserError, match=f"call it {meant}"):
        listed(write(tmp_path, json.dumps(cells), name="metadata.jsonl"))


@pytest.mark.parametrize("column", ["Start", " start", "start_time", "startTime", "start (s)", "START_SECONDS"])
def test_a_start_in_seconds_is_heard_by_any_name_that_says_so(tmp_path: Path, column: str) -> None:
    """Read, and said unless only blanks differ; a column that is there under its own name goes first."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert rows(write(tmp_path, f"File_Name,instruction,{column}\na.mp4,push,5\n")) == [("a.mp4", "push", 5.0)]
    assert column.strip() == "start" or f"{column} is read as start" in str(said[0].message)
    with pytest.warns(UserWarning, match="not read: start_s;"):
        text = "file_name,instruction,start_s,start\na.mp4,push,5,6\n"
        assert rows(write(tmp_path, text)) == [("a.mp4", "push", 6.0)]


@pytest.mark.parametrize("column", ["caption", "text", "Caption", "prompt"])
@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_a_caption_is_the_instruction(tmp_path: Path, name: str, column: str) -> None:
    """By the names that the hub's video folders and trainers use; read, and said."""
    cells = {"file_name": "a.mp4", column: "push"}
    text = json.dumps(cells) if name == "metadata.jsonl" else f"{','.join(cells)}\n{','.join(cells.values())}\n"
    with pytest.warns(UserWarning, match=f"{column} is read as instruction"):
        assert rows(write(tmp_path, text, name=name)) == [("a.mp4", "push", 0.0)]


@pytest.mark.parametrize(
    ("columns", "said"),
    [("caption,text", "says the instruction.*got caption, text"), ("start_s,start_sec", "start_s,")],
)
def test_two_columns_that_say_the_same_are_refused(tmp_path: Path, columns: str, said: str) -> None:
    """Neither is taken before the other, in whichever order they stand; under its own name one of them is."""
    more = "" if "caption" in columns else ",instruction"
    with pytest.raises(UserError, match=said):
        rows(write(tmp_path, f"file_name,{columns}{more}\na.mp4,1,2{',x' if more else ''}\n"))
    with pytest.warns(UserWarning, match="not read: caption, text;"):
        assert rows(write(tmp_path, "file_name,caption,text,instruction\na.mp4,x,y,z\n")) == [("a.mp4", "z", 0.0)]


def test_text_files_tell_what_a_table_does_not(tmp_path: Path) -> None:
    """NAME.txt beside each video where the table has no words; not read, with a word, where it has; never half."""
    (tmp_path / "a.txt").write_text("push\nleft")
    table = "file_name,start\na.mp4,1\nb.mp4,2\n"
    with pytest.raises(UserError, match=r"row 2 .*got no instruction.*write b\.txt beside it"):
        rows(write(tmp_path, table))
    (tmp_path / "b.txt").write_text("")
    with pytest.warns(UserWarning, match=r"what NAME\.txt says beside each video is taken"):
        assert rows(write(tmp_path, table)) == [("a.mp4", "push left", 1.0), ("b.mp4", "", 2.0)]
    with pytest.warns(UserWarning, match="text files beside 1 of its videos are not read"):
        assert rows(write(tmp_path, "file_name,instruction\na.mp4,pull\n")) == [("a.mp4", "pull", 0.0)]


def test_a_stream_is_that_of_the_row_or_of_all(tmp_path: Path) -> None:
    """A number or default per row; where a row says nothing, what is given for the folder."""
    write(tmp_path, "file_name,instruction,stream\na.mp4,x,1.0\na.mp4,x,default\na.mp4,x,\n")
    assert [clip.stream for clip in listed(tmp_path, 3)] == [1, "default", 3]
    (tmp_path / "metadata.csv").unlink()
    write(tmp_path, json.dumps({"file_name": "a.mp4", "instruction": "x", "stream": 2}), name="metadata.jsonl")
    assert [clip.stream for clip in listed(tmp_path)] == [2]
    for wrong in ("first", -1, 0.5, True):
        row = {"file_name": "a.mp4", "instruction": "x", "stream": wrong}
        with pytest.raises(UserError, match=r"stream as the number of a video in the file.*row 1"):
            listed(write(tmp_path, json.dumps(row), name="metadata.jsonl"))


@pytest.mark.parametrize("name", ["b\0.mp4", 5, "https://x.org/b.mp4", " "])
def test_a_reference_is_a_file_like_any_other(tmp_path: Path, name: object) -> None:
    """What cannot be the name of a file is refused with its row."""
    row = {"file_name": "a.mp4", "instruction": "x", "reference": name}
    with pytest.raises(UserError, match="row 1"):
        listed(write(tmp_path, json.dumps(row), name="metadata.jsonl"))


def test_other_columns_are_named_once(tmp_path: Path) -> None:
    """What is not read is said: state, end, and a second name of a column that is there; a saved index is not."""
    text = ",file_name,instruction,caption,state,end\n0,a.mp4,push,x,on,3\n1,b.mp4,pull,y,off,4\n"
    with pytest.warns(UserWarning, match="not read: caption, state, end") as said:
        assert rows(write(tmp_path, text)) == [("a.mp4", "push", 0.0), ("b.mp4", "pull", 0.0)]
    assert len(said) == 1


def test_repeated_rows_are_counted(tmp_path: Path) -> None:
    """The same clip told the same twice is said; told otherwise, or begun elsewhere, it is another clip."""
    text = "file_name,instruction,start\na.mp4,push,\na.mp4,shove,\na.mp4,push,1\na.mp4,push,0\n"
    with pytest.warns(UserWarning, match=r"1 rows repeat an earlier one \(4\)"):
        assert len(listed(write(tmp_path, text))) == 4


def test_files_are_found_from_the_folder_the_root_and_the_home(tmp_path: Path) -> None:
    """Relative, absolute and ~ paths."""
    write(tmp_path, "file_name,instruction\nsub/a.mp4,x\n/data/b.mp4,x\n~/c.mp4,x\n~d.mp4,x\n")
    found = [clip.path for clip in listed(tmp_path)]
    assert found == [tmp_path / "sub/a.mp4", Path("/data/b.mp4"), Path.home() / "c.mp4", tmp_path / "~d.mp4"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("metadata.csv", "file_name,instruction,instruction\na.mp4,x,y\n", "instruction twice"),
        ("metadata.csv", "a.mp4,push\nb.mp4,pull\n", "a first line with the names of columns.*'a.mp4,push'"),
        ("metadata.csv", "# mine\nfile_name,instruction\na.mp4,x\n", "first line with the names.*'# mine'"),
        ("metadata.tsv", "file_name,instruction\na.mp4,x\n", "first line with the names"),
        ("metadata.csv", "file_name,instruction,start\na.mp4,x,1_0\n", "'1_0'"),
        ("metadata.jsonl", '{"file_name": "a.mp4", "instruction": "\\ud800x"}', "half of one"),
        ("metadata.csv", "file_name\na.mp4\n", r"row 1 \(line 2\).*no instruction"),
        ("metadata.csv", "instruction\nx\n", r"row 1 \(line 2\).*no file_name"),
        ("metadata.csv", "file_name,instruction,start\nb.mp4,x,1\na.mp4,x,0:05\n", r"row 2 \(line 3\).*'0:05'"),
        ("metadata.csv", 'file_name;instruction;start\na.mp4;x;"2,5"\n', "'2,5'"),
        ("metadata.csv", "file_name,instruction,start\na.mp4,x,nan\n", "'nan'"),
        ("metadata.csv", "file_name,instruction\nhttps://x.org/a.mp4,x\n", "name a file"),
        ("metadata.csv", "file_name,instruction\n", "at least one row"),
        ("metadata.jsonl", '{"file_name": "a.mp4", "instruction": null}', r"row 1 \(line 1\).*None"),
        ("metadata.jsonl", '{"file_name": "a.mp4", "instruction": "x", "start": true}', "got True"),
        ("metadata.jsonl", '{"file_name": "a", "instruction": "x", "instruction": "y"}', "a name twice"),
        ("metadata.jsonl", '\n{"file_name": "a", "instruction": "x"}\n{"file_name"', r"row 2 \(line 3\)"),
        ("metadata.json", '{"file_name": "a", "instruction": "x"}', "a list of rows"),
        ("captions.csv", "file_name,instruction\na.mp4,x\n", r"none, but captions\.csv"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, name: str, text: str, said: str) -> None:
    """One line with file, row and what is wrong."""
    with pytest.raises(UserError, match=said) as error:
        listed(write(tmp_path, text, name=name))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("encoding", "said"), [("latin-1", "0xfc in line 2"), ("utf-16-le", "bytes of value 0")])
def test_other_encodings_are_refused(tmp_path: Path, encoding: str, said: str) -> None:
    """No letter is guessed."""
    with pytest.raises(UserError, match=said):
        listed(write(tmp_path, "file_name,instruction\na.mp4,drücken\n", encoding=encoding))


def test_a_table_without_fault_says_nothing(tmp_path: Path) -> None:
    """Warnings are for what is not as it seems."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        listed(write(tmp_path, "file_name,instruction,start\na.mp4,push,1\nb.mp4,,\n"))
