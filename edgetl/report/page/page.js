// Reasons beside their cells, on hover too; everything open on paper. Without this script the page says the same.
const GAP_PX = 8;
const LEAST_PX = 120;

/** Below the button or above it, where there is more room, and never over it. */
function place(popover, button) {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  popover.style.maxHeight = "none";
  const { width, height } = popover.getBoundingClientRect();
  const [above, below] = [top - 2 * GAP_PX, window.innerHeight - bottom - 2 * GAP_PX];
  const down = height <= below || below >= above;
  const most = Math.max(LEAST_PX, down ? below : above);
  const furthest = document.documentElement.clientWidth - width - GAP_PX;
  const x = Math.min(Math.max(GAP_PX, (left + right - width) / 2), Math.max(GAP_PX, furthest));
  const y = down ? bottom + GAP_PX : Math.max(GAP_PX, top - GAP_PX - Math.min(height, most));
  Object.assign(popover.style, { inset: "auto", margin: "0", left: `${x}px`, top: `${y}px`, maxHeight: `${most}px` });
}

for (const button of document.querySelectorAll("button[popovertarget]")) {
  const popover = document.getElementById(button.getAttribute("popovertarget"));
  if (!popover?.showPopover) continue;
  let pinned = false;
  popover.addEventListener("toggle", (event) => {
    if (event.newState === "open") place(popover, button);
    else pinned = false;
  });
  button.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse" && !document.querySelector(".why:popover-open")) popover.showPopover();
  });
  for (const part of [button, popover]) {
    part.addEventListener("pointerleave", ({ relatedTarget }) => {
      const stays = [button, popover].some((other) => other.contains(relatedTarget));
      if (!pinned && !stays && popover.matches(":popover-open")) popover.hidePopover();
    });
  }
  button.addEventListener("click", (event) => {
    event.preventDefault();
    pinned = !pinned;
    if (pinned) popover.showPopover();
    else popover.hidePopover();
  });
}

addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    details.open = true;
    details.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const details of document.querySelectorAll("details[data-printed]")) {
    details.open = false;
    delete details.dataset.printed;
  }
});
