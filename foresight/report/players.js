// Videos of one length in step: one scrubber, one button, arrow keys and space.
for (const box of document.querySelectorAll(".players")) {
  const films = [...box.querySelectorAll("video")];
  const bar = box.querySelector("input"), button = box.querySelector("button"), clock = box.querySelector("output");
  const rate = Number(box.dataset.rate), given = Number(box.dataset.given), frames = Number(bar.max);
  let playing = false, before = 0;
  const show = frame => {
    bar.value = frame;
    for (const film of films) film.currentTime = (frame + 0.5) / rate;
    const seconds = (frame + 1 - given) / rate;
    const text = (seconds > 0 ? "+" : "−") + Math.abs(seconds).toFixed(2) + " s";
    clock.textContent = text;
    bar.setAttribute("aria-valuetext", text + (seconds > 0 ? ", imagined" : ", given"));
    box.classList.toggle("imagined", seconds > 0);
  };
  const turn = on => {
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    if (on) { before = performance.now(); requestAnimationFrame(step); }
  };
  const step = now => {
    if (!playing) return;
    const passed = Math.floor((now - before) * rate / 1000);
    if (passed > 0) { show((Number(bar.value) + passed) % (frames + 1)); before += passed * 1000 / rate; }
    requestAnimationFrame(step);
  };
  bar.addEventListener("input", () => { turn(false); show(Number(bar.value)); });
  button.addEventListener("click", () => turn(!playing));
  box.addEventListener("keydown", event => {
    if (event.key === " " && event.target !== button) { event.preventDefault(); turn(!playing); }
  });
  const ready = films.map(film => film.readyState > 0 ? 0 : new Promise(done => film.addEventListener("loadedmetadata", done)));
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  Promise.all(ready).then(() => { show(calm ? frames : 0); box.dataset.ready = "1"; if (!calm) turn(true); });
}
