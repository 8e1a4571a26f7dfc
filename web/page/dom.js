/** Elements, built by calls: the page has no markup in strings. */

/**
 * Builds an element with a class, a text or children.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} [className]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, className = '', ...children) {
  const node = document.createElement(name);
  if (className !== '') node.className = className;
  node.append(...children);
  return node;
}

/**
 * Finds what `index.html` must have.
 *
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function byId(id, kind) {
  const node = document.getElementById(id);
  if (!(node instanceof kind)) throw new TypeError(`the page has no ${kind.name} #${id}`);
  return node;
}

/**
 * Sets a text, and leaves the node alone where it has it: screen readers announce each write.
 *
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Plays a short animation, unless the reader asked for less motion.
 *
 * @param {Element} node
 * @param {Keyframe[]} keyframes
 * @param {number} durationMs
 */
export function play(node, keyframes, durationMs) {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  node.animate(keyframes, { duration: durationMs, easing: 'ease-out' });
}
