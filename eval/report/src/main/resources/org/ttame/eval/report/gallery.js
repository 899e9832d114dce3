(() => {
  "use strict";
  const gallery = document.getElementById("pictures");
  if (!gallery) return;
  document.documentElement.classList.add("js");
  const byId = (id) => document.getElementById(id);
  const heat = byId("heat");
  const order = byId("order");
  const score = byId("score");
  const list = gallery.querySelector(".cards");
  const names = new Intl.Collator(undefined, { numeric: true });

  function showHeat() {
    gallery.style.setProperty("--heat", heat.value / 100);
    byId("heat-value").value = heat.value + " %";
  }

  // An option's value: the name of a card's data and the direction, e.g. "confidence down".
  function sort() {
    const [key, direction] = order.value.split(" ");
    const sign = direction === "down" ? -1 : 1;
    const number = (card) => (card.dataset[key] === "" ? NaN : Number(card.dataset[key]));
    const cards = [...list.children].sort((a, b) => {
      if (key === "name") return names.compare(a.dataset.name, b.dataset.name);
      const [x, y] = [number(a), number(b)];
      // What has no number comes last either way.
      return Number.isNaN(x) - Number.isNaN(y) || sign * (x - y) || names.compare(a.dataset.name, b.dataset.name);
    });
    list.append(...cards);
    byId("announcement").textContent = "Ordered " + order.selectedOptions[0].text;
  }

  function showScore() {
    for (const figure of gallery.querySelectorAll("figure[data-scores]")) {
      const place = figure.querySelector(".score");
      if (place) place.textContent = figure.dataset.scores.split(" ")[score.selectedIndex];
    }
  }

  function showMethods(event) {
    for (const figure of gallery.querySelectorAll('figure[data-method="' + event.target.value + '"]')) {
      figure.hidden = !event.target.checked;
    }
  }

  const dialog = byId("enlarged");
  let shown = null;

  function enlarge(button) {
    shown = button;
    const card = button.closest(".card");
    const view = document.createElement("div");
    view.className = button.className;
    view.append(...[...button.children].map((child) => child.cloneNode(true)));
    const frame = byId("enlarged-picture");
    frame.style.setProperty("--photo", card.style.getPropertyValue("--photo"));
    frame.replaceChildren(view);
    byId("enlarged-title").textContent =
      card.dataset.name + ": " + button.closest("figure").querySelector("figcaption").textContent;
    if (!dialog.open) dialog.showModal();
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("button.view");
    if (button) enlarge(button);
  });

  // Arrow keys go through the methods of the same image.
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !shown) return;
    const buttons = [...shown.closest(".views").querySelectorAll("figure:not([hidden]) button.view")];
    enlarge(buttons[(buttons.indexOf(shown) + step + buttons.length) % buttons.length]);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  heat.addEventListener("input", showHeat);
  order.addEventListener("change", sort);
  score.addEventListener("change", showScore);
  gallery.querySelector(".methods").addEventListener("change", showMethods);
  // A browser that comes back to the page may have kept what was chosen.
  showHeat();
  showScore();
  sort();
})();
