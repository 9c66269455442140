"use strict";
(function () {
  const form = document.getElementById("filters");
  const status = document.getElementById("shown");
  const rows = Array.from(document.querySelectorAll("#all tbody tr"));

  function fits(row, wanted) {
    for (const [name, value] of wanted) {
      if (value === "") {
        continue;
      }
      const held = name === "text" ? row.textContent.toLowerCase() : row.dataset[name];
      const fit = name === "text" ? held.includes(value.toLowerCase()) : held === value;
      if (!fit) {
        return false;
      }
    }
    return true;
  }

  function show() {
    const wanted = Array.from(new FormData(form));
    let number = 0;
    for (const row of rows) {
      row.hidden = !fits(row, wanted);
      number += row.hidden ? 0 : 1;
    }
    status.textContent = number + " of " + rows.length + " lines";
  }

  // A link to a failure shows it, even if it is folded.
  function unfold() {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
    }
  }

  window.addEventListener("hashchange", unfold);
  unfold();
  form.addEventListener("input", show);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  // A form has its first values back only after the event.
  form.addEventListener("reset", function () { setTimeout(show, 0); });
  show();
})();
