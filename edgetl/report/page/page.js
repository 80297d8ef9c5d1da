// Reasons beside their cells, on hover too; everything open on paper. Without this script the page says the same.
const GAP_PX = 8;

function place(popover, button) {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const x = Math.min(Math.max(GAP_PX, (left + right - width) / 2), Math.max(GAP_PX, document.documentElement.clientWidth - width - GAP_PX));
  const below = bottom + GAP_PX;
  const y = below + height <= window.innerHeight || top < height + 2 * GAP_PX ? below : top - GAP_PX - height;
  Object.assign(popover.style, { inset: "auto", margin: "0", left: `${x}px`, top: `${Math.min(y, Math.max(GAP_PX, window.innerHeight - height - GAP_PX))}px` });
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
  button.addEventListener("pointerleave", () => {
    if (!pinned && popover.matches(":popover-open")) popover.hidePopover();
  });
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
