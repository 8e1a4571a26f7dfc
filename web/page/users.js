/**
 * The picker: which user of the demo this page acts as.
 *
 * @import {DemoUser} from './demo.js'
 */

import { element } from './dom.js';

const REMEMBERED = 'seatsync.user';

export class UserPicker {
  #select;
  /** @type {DemoUser[]} */
  #users = [];

  /**
   * @param {HTMLSelectElement} select
   * @param {(userId: string | null) => void} onChoice
   */
  constructor(select, onChoice) {
    this.#select = select;
    select.addEventListener('change', () => {
      sessionStorage.setItem(REMEMBERED, select.value);
      onChoice(this.userId);
    });
  }

  /** Who is chosen; null: nobody, the page only watches. */
  get userId() {
    return this.#select.value === '' ? null : this.#select.value;
  }

  get nickname() {
    return this.#users.find((user) => user.user_id === this.userId)?.nickname ?? '';
  }

  /** Whether there is anybody to choose. */
  get hasUsers() {
    return this.#users.length > 0;
  }

  /**
   * Fills the list, and chooses again who was chosen in this tab.
   *
   * @param {DemoUser[]} users
   */
  fill(users) {
    this.#users = users;
    for (const { user_id: userId, nickname } of users) {
      const option = element('option', '', nickname);
      option.value = userId;
      this.#select.append(option);
    }
    this.#select.disabled = users.length === 0;
    const remembered = sessionStorage.getItem(REMEMBERED) ?? '';
    if (users.some((user) => user.user_id === remembered)) this.#select.value = remembered;
  }
}
