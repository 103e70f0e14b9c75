/* XXX: later */
