from copilot_widget.notebook.envelope import envelope, merge


def delta(text: str, part: str = "t1", **more: object) -> dict:
    return {"type": "text-delta", "id": part, "delta": text, **more}


def test_neighbouring_deltas_of_one_part_become_one():
    chunks = [delta("a"), delta("b"), delta("c", "t2"), delta("d"), delta("e")]
    assert merge(chunks) == [delta("ab"), delta("c", "t2"), delta("de")]


def test_a_delta_with_provider_metadata_is_never_merged():
    kept = delta("b", providerMetadata={"x": {"y": 1}})
    assert merge([delta("a"), kept, delta("c")]) == [delta("a"), kept, delta("c")]


def test_tool_input_and_reasoning_merge_too_and_kinds_do_not_mix():
    tool = {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": "{"}
    thought = {"type": "reasoning-delta", "id": "t1", "delta": "x"}
    assert merge([tool, tool, thought, delta("a")]) == [{**tool, "inputTextDelta": "{{"}, thought, delta("a")]


def test_the_logs_own_chunks_are_not_changed():
    chunks = [delta("a"), delta("b")]
    merge(chunks)
    assert chunks == [delta("a"), delta("b")]


def test_an_envelope_names_the_range_that_it_is_worth():
    events = [{"run": "r", "seq": seq, "attempt": 1, "ts": 0.0, "chunk": delta("x")} for seq in (4, 5, 6)]
    assert envelope(events) == {"run": "r", "from": 4, "to": 6, "chunks": [delta("xxx")]}


def test_a_replay_says_when_each_chunk_came():
    events = [
        {"run": "r", "seq": n, "attempt": 1, "ts": n + 0.5, "chunk": delta("x", part)}
        for n, part in enumerate("aab", 1)
    ]
    assert envelope(events, times=True)["at"] == [1.5, 3.5]
    assert "at" not in envelope(events)
