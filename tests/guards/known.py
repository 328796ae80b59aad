"""The studio's guards: where each stands, what taking it away looks like, and the tests that must notice."""

from typing import NamedTuple


class Guard(NamedTuple):
    """``what`` an attacker would try; in ``file`` the one place with ``text``, without the guard ``instead``; ``tests``
    of which at least one must fail then.
    """

    what: str
    file: str
    text: str
    instead: str
    tests: tuple[str, ...]

    @property
    def needs_browser(self) -> bool:
        """Whether its tests drive one, which takes long."""
        return any(test.startswith("tests/browser/") for test in self.tests)


ATTACKS, HOSTILE = "tests/app/test_attacks.py", "tests/annotations/test_formats_hostile.py"
ESCAPING, SANDBOX = "tests/app/test_escaping.py", "tests/stf2m/test_sandbox.py"
LABELS, ELSEWHERE = "tests/app/test_label_files.py", "tests/app/test_elsewhere.py"
VISITORS, SCRIPT = "tests/browser/test_visitors.py", "tests/browser/test_stored_script.py"
ESCAPED = "import html\n"
#: Everything that a module escapes is let through.
UNESCAPED = (
    "from types import SimpleNamespace\nhtml = SimpleNamespace(escape=lambda text, *_, **__: str(text), unescape=str)\n"
)


def _unescaped(what: str, file: str, test: str = SCRIPT) -> Guard:
    return Guard(f"stored script: {what}", file, ESCAPED, UNESCAPED, (test,))


GUARDS = (
    Guard(
        "path traversal through Gradio's file route",
        "app/serving.py",
        "prevent_thread_lock=True,",
        "prevent_thread_lock=True, allowed_paths=[str(settings.home), str(settings.home.parent)],",
        (f"{ATTACKS}::test_path_traversal_through_gradios_routes",),
    ),
    Guard(
        "path traversal through a clip's number",
        "app/bounds.py",
        "RecordId = Annotated[int, Field(ge=1, lt=2**63)]",
        "RecordId = Annotated[int, Field()]",
        (f"{ATTACKS}::test_path_traversal_through_a_clips_number",),
    ),
    Guard(
        "a name that hides or turns what a file is",
        "app/ingest.py",
        "for each in Path(name).name if",
        "for each in name if True or",
        (f"{ATTACKS}::test_a_files_name_that_hides_or_turns_what_it_is",),
    ),
    Guard(
        "another visitor's files by their address",
        "app/doorway.py",
        "if path.startswith(_FILE) and os.path.abspath(path[len(_FILE) :]) not in visit.files:",
        "if False:",
        (f"{VISITORS}::test_a_page_belongs_to_one_visitor", f"{VISITORS}::test_visitors_do_not_meet"),
    ),
    Guard(
        "another visitor's files named in an event",
        "app/doorway.py",
        "and named <= visit.files",
        "",
        (f"{VISITORS}::test_a_page_belongs_to_one_visitor",),
    ),
    Guard(
        "another visitor's page, in a request's address",
        "app/doorway.py",
        "if not all(self._visitors.owns(visit, page) for page in pages):",
        "if False:",
        (f"{VISITORS}::test_a_page_belongs_to_one_visitor",),
    ),
    Guard(
        "another visitor's page, in an event",
        "app/doorway.py",
        "return self._visitors.owns(visit, page) and",
        "return True and",
        (f"{VISITORS}::test_a_page_belongs_to_one_visitor",),
    ),
    Guard(
        "a route of Gradio's that nobody needs",
        "app/doorway.py",
        "if not OWN.fullmatch(path):",
        "if False:",
        (f"{VISITORS}::test_a_page_belongs_to_one_visitor",),
    ),
    Guard(
        "a request of the server to an address in place of a file",
        "app/serving.py",
        "    bounds.fetch_nothing()\n",
        "",
        (f"{ATTACKS}::test_a_request_of_the_server_to_an_address_in_place_of_a_file",),
    ),
    Guard(
        "an event of many megabytes",
        "app/serving.py",
        "Middleware(Leaving), bounded, ",
        "Middleware(Leaving), ",
        (f"{ATTACKS}::test_an_event_of_many_megabytes_is_refused_before_it_is_read",),
    ),
    Guard(
        "a file with labels of gigabytes",
        "app/bounds.py",
        "most, around = self._largest_file, _AROUND",
        "most, around = 2**40, 0",
        (f"{LABELS}::test_one_file_is_taken_under_its_name_and_too_large_a_one_is_refused_before_it_is_read",),
    ),
    Guard(
        "a thousand files with labels at once, or words in place of one",
        "app/server.py",
        "    router.include_router(label_files.routes())\n",
        "",
        (f"{LABELS}::test_what_is_no_single_file_is_refused_and_nothing_of_it_is_kept",),
    ),
    Guard(
        "files with labels without end, in a demo",
        "app/doorway.py",
        "return visit.label_files <= MOST_FILES and visit.label_bytes <= MOST_FILE_BYTES",
        "return True",
        (f"{LABELS}::test_a_visit_sends_so_many_files_and_so_many_bytes_and_leaves_none",),
    ),
    Guard(
        "files with labels that nobody reads and that stay",
        "app/label_files.py",
        "            if time.time() - each.stat().st_mtime > KEPT_S:\n",
        "            if False:\n",
        (f"{LABELS}::test_what_nobody_asked_for_is_deleted_in_the_end",),
    ),
    Guard(
        "files with labels that a killed studio left",
        "app/serving.py",
        "label_files.LOOK_S, label_files.sweep)",
        "label_files.LOOK_S, list)",
        (f"{LABELS}::test_a_studio_that_starts_deletes_what_a_killed_one_left",),
    ),
    Guard(
        "a video that is called a page, on its way in",
        "app/uploads.py",
        'return suffix if suffix in SOUND_FILES | VIDEO_FILES | CONTAINER_FILES else ".media"',
        "return suffix",
        (f"{ATTACKS}::test_a_video_that_is_called_a_page_is_none",),
    ),
    Guard(
        "a video that is called a page, in a home of before",
        "app/server.py",
        'if kind is None or not kind.startswith(("video/", "audio/")):',
        "if False:",
        (f"{ATTACKS}::test_a_video_that_is_called_a_page_is_none",),
    ),
    Guard(
        "a script in what somebody added, opened as a page",
        "app/server.py",
        '    "Content-Security-Policy": "sandbox; default-src \'none\'",\n',
        "",
        (f"{ATTACKS}::test_a_video_that_is_called_a_page_is_none",),
    ),
    Guard(
        "another site that asks in the name of a member",
        "app/elsewhere.py",
        "        return origin.partition",
        "        return False and origin.partition",
        (ELSEWHERE,),
    ),
    Guard(
        "another site that says nothing of itself",
        "app/elsewhere.py",
        'return site == "cross-site" and',
        "return False and",
        (ELSEWHERE,),
    ),
    Guard(
        "a file that is larger than it was announced to be",
        "app/uploads.py",
        "if size > self._studio.settings.max_bytes:",
        "if False:",
        ("tests/app/test_uploads.py::test_too_large_is_refused_when_announced_and_when_it_lied",),
    ),
    Guard(
        "forged emotions in an event",
        "annotations/validation.py",
        "    if unknown:\n",
        "    if False:\n",
        (f"{ATTACKS}::test_a_forged_person_or_clip_is_nobody",),
    ),
    Guard(
        "a forged annotator in an event",
        "annotations/studies.py",
        "    person = session.get(Annotator, annotator_id)\n",
        "    person = session.get(Annotator, annotator_id) or session.scalars(select(Annotator)).first()\n",
        (f"{ATTACKS}::test_a_forged_person_or_clip_is_nobody",),
    ),
    Guard(
        "replayed and reordered events",
        "annotations/labels.py",
        "if annotation.deleted_at is None and annotation.version == version:",
        "if True:",
        (f"{ATTACKS}::test_replayed_and_reordered_events_change_nothing_twice",),
    ),
    Guard(
        "a deed beyond one's role",
        "app/accounts.py",
        "    if deed.entity in ADMINS:\n",
        "    if False:\n",
        ("tests/app/test_accounts.py",),
    ),
    Guard(
        "a deed under another's name",
        "app/accounts.py",
        "    if deed.actor != user:\n",
        "    if False:\n",
        ("tests/app/test_accounts.py",),
    ),
    Guard(
        "a change of everybody's model by nobody",
        "app/accounts.py",
        '        if deed.kind in BY_ITSELF or deed.entity.startswith("suggestions"):\n',
        '        if deed.kind in BY_ITSELF or deed.entity.startswith("suggestions") or deed.entity in EVERYBODY:\n',
        ("tests/app/test_accounts.py::test_a_forged_name_is_refused_and_so_is_none",),
    ),
    Guard(
        "a call or an event under no name",
        "app/caller.py",
        "    if type(told) is not int:\n",
        "    if False:\n",
        (
            f"{ATTACKS}::test_no_call_of_a_widget_is_done_by_nobody",
            f"{ATTACKS}::test_no_event_of_a_page_is_done_by_nobody",
        ),
    ),
    Guard(
        "another's lane",
        "app/accounts.py",
        '    if "person" in others or ("consensus" in others and role != "reviewer"):\n',
        "    if False:\n",
        ("tests/app/test_accounts.py",),
    ),
    Guard(
        "a team's clips without signing in",
        "app/server.py",
        "    if user is None:\n",
        "    if False:\n",
        ("tests/browser/test_login.py",),
    ),
    Guard(
        "a session that outlives its account",
        "app/members.py",
        "        if account and self._salts.setdefault(token, account.salt) == account.salt:\n",
        "        if True:\n",
        ("tests/app/test_members.py",),
    ),
    Guard(
        "formulas in a CSV file",
        "annotations/formats/csv.py",
        'return "\'" + text if _FORMULA.match(text) else text',
        "return text",
        ("tests/annotations/test_formats.py::test_a_spreadsheet_reader_sees_no_formula",),
    ),
    Guard(
        "formulas in the log as CSV",
        "app/audit.py",
        "guard(",
        "str(",
        ("tests/app/test_accounts.py::test_the_log_tells_who_did_what",),
    ),
    Guard(
        "formulas in the rules as CSV",
        "stf2m/rule_export.py",
        "_guarded(cell) for cell in cells",
        "cell for cell in cells",
        ("tests/stf2m/test_rule_export.py::test_the_csv_has_every_condition_with_its_curve_and_no_formula",),
    ),
    Guard(
        "entities in an ELAN file",
        "annotations/formats/elan.py",
        "root = fromstring(data, forbid_dtd=True)",
        "root = ElementTree.fromstring(data)",
        (f"{HOSTILE}::test_a_file_that_cannot_be_read_is_answered_in_one_sentence",),
    ),
    Guard(
        "an archive's file that leads out of it",
        "annotations/formats/zipped.py",
        'if ".." in PurePosixPath(entry.filename).parts or entry.filename.startswith("/"):',
        "if False:",
        (f"{HOSTILE}::test_a_file_that_cannot_be_read_is_answered_in_one_sentence",),
    ),
    Guard(
        "an archive that unpacks to gigabytes",
        "annotations/formats/zipped.py",
        "                if left < 0:\n",
        "                if False:\n",
        (f"{HOSTILE}::test_a_file_that_cannot_be_read_is_answered_in_one_sentence",),
    ),
    Guard(
        "an archive of a million files",
        "annotations/formats/zipped.py",
        "            if len(entries) > MOST_FILES:\n",
        "            if False:\n",
        (f"{HOSTILE}::test_a_file_that_cannot_be_read_is_answered_in_one_sentence",),
    ),
    Guard(
        "a video that needs all memory",
        "stf2m/sandboxed.py",
        "    _limit(resource.RLIMIT_AS, limits.memory_bytes)\n",
        "",
        (f"{SANDBOX}::test_whatever_a_file_does_to_its_decoder_is_one_sentence",),
    ),
    Guard(
        "a video that fills the disk",
        "stf2m/sandboxed.py",
        "    _limit(resource.RLIMIT_FSIZE, limits.written_bytes)\n",
        "",
        (f"{SANDBOX}::test_nothing_is_written_unless_it_is_told_how_much",),
    ),
    Guard(
        "a video that keeps a processor busy for ever",
        "stf2m/sandboxed.py",
        "_limit(resource.RLIMIT_CPU, began",
        "(began",
        (f"{SANDBOX}::test_time_in_the_clip_buys_processor_time",),
    ),
    Guard(
        "a pickle in a checkpoint",
        "stf2m/checkpoint.py",
        "        tensors = safetensors.torch.load(data)\n",
        "        import io\n\n        tensors = torch.load(io.BytesIO(data), weights_only=False)\n",
        ("tests/stf2m/test_attacks.py::test_a_pickle_in_a_checkpoint_is_not_run",),
    ),
    Guard(
        "a pickle in a cached track",
        "stf2m/tracks.py",
        "with np.load(path, allow_pickle=False) as file:",
        "with np.load(path, allow_pickle=True) as file:",
        ("tests/stf2m/test_attacks.py::test_a_pickle_in_a_cached_track_is_not_run",),
    ),
    _unescaped("the clips of the Data tab", "app/pages/data.py"),
    _unescaped("the versions' rules on Adapt", "app/pages/rule_changes_html.py"),
    _unescaped("the rules", "app/pages/rules_html.py"),
    _unescaped("the team", "app/pages/team_html.py"),
    _unescaped("the log of a team", "app/pages/audit.py"),
    _unescaped("the header", "app/page.py", f"{ESCAPING}::test_who_edited_the_model_is_text_in_the_header"),
    _unescaped(
        "the versions on Adapt", "app/pages/adapt_html.py", f"{ESCAPING}::test_what_was_learned_is_text_on_adapt"
    ),
    _unescaped("names of clips in links", "app/pages/places.py", f"{ESCAPING}::test_a_clips_name_is_text_in_a_link"),
    _unescaped(
        "what is said of a clip on Views",
        "app/pages/views.py",
        f"{ESCAPING}::test_what_is_said_of_a_clip_and_of_its_tracks_is_text_on_views",
    ),
    _unescaped(
        "what a cue means on Rules", "app/pages/rules.py", f"{ESCAPING}::test_what_a_cue_means_is_text_on_rules"
    ),
    _unescaped(
        "a rule that is refused", "app/pages/rules_edit.py", f"{ESCAPING}::test_a_rule_that_is_refused_is_text_on_rules"
    ),
    _unescaped(
        "how far rules are trusted",
        "app/pages/trust_html.py",
        f"{ESCAPING}::test_the_models_name_is_text_where_trust_is_told",
    ),
    _unescaped(
        "the checkpoint on About", "app/pages/about.py", f"{ESCAPING}::test_the_card_of_a_checkpoint_is_text_on_about"
    ),
    _unescaped(
        "labels of figures",
        "app/figures/style.py",
        "tests/app/test_figures.py::test_words_of_people_are_text_and_never_markup",
    ),
    Guard(
        "stored script: the report",
        "app/report/page.py",
        "from app.report.charts import escaped\n",
        "escaped = str\n",
        ("tests/app/test_report.py::test_stored_script_in_names_notes_words_and_rules_stays_text",),
    ),
    Guard(
        "stored script: everything that widgets show",
        "app/widgets/shared/dom.js",
        "  element.append(...children.filter((child) => child !== null && child !== undefined));\n",
        "  for (const child of children) if (child !== null && child !== undefined) "
        'typeof child === "string" ? element.insertAdjacentHTML("beforeend", child) : element.append(child);\n',
        (SCRIPT,),
    ),
)
