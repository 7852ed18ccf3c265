// Fetches the sections again and swaps those that changed, figure by figure: no flicker, open tables stay open, and
// scrolled ones where they were.
const main = document.getElementById("report");

function swapOne(fresh) {
  const old = document.getElementById(fresh.id);
  if (!old) return;
  for (const details of old.querySelectorAll("details[open]")) {
    fresh.querySelector(`details[data-key="${details.dataset.key}"]`)?.setAttribute("open", "");
  }
  if (old.outerHTML === fresh.outerHTML) return;
  const scrolled = [...old.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  const focused = old.contains(document.activeElement) && document.activeElement.closest("details")?.dataset.key;
  old.replaceWith(fresh);
  fresh.querySelectorAll(".scroll").forEach((box, index) => {
    [box.scrollLeft, box.scrollTop] = scrolled[index] ?? [0, 0];
  });
  if (focused) fresh.querySelector(`details[data-key="${focused}"] summary`)?.focus({ preventScroll: true });
}

function swap(html) {
  const next = new DOMParser().parseFromString(`<main>${html}</main>`, "text/html").querySelector("main");
  for (const fresh of [...next.children]) {
    (fresh.id === "figures" ? [...fresh.children] : [fresh]).forEach(swapOne);
  }
}

async function refresh() {
  try {
    const answer = await fetch(main.dataset.live, { cache: "no-store" });
    if (!answer.ok) throw new Error(await answer.text());
    swap(await answer.text());
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  }
  setTimeout(refresh, 5000);
}
setTimeout(refresh, 5000);
