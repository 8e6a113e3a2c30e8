// A formula keeps the mark that follows it, or a line may begin with a full stop.
addEventListener("DOMContentLoaded", () => {
  for (const formula of document.querySelectorAll("span.math")) {
    const mark = /^[.,;:!?)\]\u2019\u201d-]+/.exec(formula.nextSibling?.data ?? "");
    if (!mark) continue;
    const both = document.createElement("span");
    both.className = "with-mark";
    formula.nextSibling.data = formula.nextSibling.data.slice(mark[0].length);
    formula.replaceWith(both);
    both.append(formula, mark[0]);
  }
});
