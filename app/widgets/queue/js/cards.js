/** The reasons in words, and in one word for those that did not give a clip its place. */
const REASONS = {
  new: ["never looked at", "new"],
  disagreement: ["annotators disagree", "disagree"],
  contradiction: ["modalities contradict each other", "contradict"],
  unsure: ["model unsure", "unsure"],
  change: ["emotion changes here", "change"],
  check: ["random check", "check"],
};

/** What a reason says of its clip: model unsure 12 s. */
function reasonText(reason, lead) {
  const words = REASONS[reason.kind][lead ? 0 : 1].replace(/ (each other|here)$/, "");
  if (reason.kind === "new") return words;
  if (reason.kind === "change") return lead ? `${words}${reason.count === 1 ? "" : ` ${reason.count} ×`}` : `${reason.count} ${words}${reason.count === 1 ? "" : "s"}`;
  return `${words} ${duration(Math.max(1, reason.seconds))}`;
}

/** The seconds that a reason is about, for a tooltip. */
function reasonHint(reason) {
  if (reason.kind === "new") return "Nobody has opened or labelled this clip. Click to open it.";
  const lines = reason.spots.slice(0, 8).map(({ start_s, end_s, text }) => {
    const when = start_s === end_s ? clock(start_s) : stretch(start_s, end_s);
    return text ? `${when}: ${text}` : when;
  });
  if (reason.count > lines.length) lines.push(`and ${reason.count - lines.length} more`);
  return [...lines, reason.count > 1 ? "Click to go from one to the next." : "Click to go there."].join("\n");
}

/** How far this person and the others are with a clip, and how long it is. */
function cardFacts(card) {
  const facts = [duration(card.duration_s)];
  if (card.mine) facts.push(`${percent(card.labelled)} yours`);
  const others = card.corrections - card.mine;
  if (others > 0) facts.push(`${others} by others`);
  if (card.finished_by.length) facts.push(`✓ ${card.finished_by.join(", ")}`);
  return facts.join(" · ");
}

/** A small picture of a clip, or a note where it has sound only. */
function clipPicture(id, hasVideo) {
  const picture = make("span", { class: "qu-picture", "aria-hidden": "true" }, hasVideo ? "" : "♪");
  if (hasVideo) picture.style.backgroundImage = `url("${address(`/clip/${id}/thumbnail`)}")`;
  return picture;
}

/** The buttons under a clip's name: why it is worth a look, the reason that gave it its place first. */
function reasonRow(card, visit) {
  const lead = card.lead || card.reasons[0]?.kind;
  const ordered = card.reasons.filter((each) => each.kind === lead || each.kind !== "new").sort((a, b) => (b.kind === lead) - (a.kind === lead));
  if (!ordered.length) return make("p", { class: "qu-why qu-nothing" }, card.finished ? "finished" : "nothing stands out");
  return make(
    "div",
    { class: "qu-why" },
    ...ordered.map((reason) =>
      make(
        "button",
        {
          type: "button", class: `qu-reason${reason.kind === lead ? " qu-lead" : ""}`, "data-kind": reason.kind, title: reasonHint(reason),
          onclick: () => visit(reason),
        },
        reasonText(reason, reason.kind === lead),
      ),
    ),
  );
}

/** Open a clip that somebody has clicked; where the video is not in sight, as on a phone, bring it there. */
function openClip(detail) {
  announce("open", detail);
  const stage = document.querySelector("#timeline");
  if (stage && stage.getBoundingClientRect().bottom < 0.4 * innerHeight) stage.scrollIntoView({ block: "start" });
}
