// What scrolls by itself can be reached and scrolled by the keyboard; what fits is no stop on the way.
const SCROLLING = 'mjx-container[display="true"], .math-wrapper, .table-wrapper, .highlight pre, .cell_output .text_html, .cell_output pre';

function markScrolling() {
  for (const box of document.querySelectorAll(SCROLLING)) {
    if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

addEventListener("load", () => {
  const shown = new ResizeObserver(markScrolling);
  for (const box of document.querySelectorAll(SCROLLING)) shown.observe(box);
});
