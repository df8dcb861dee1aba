/* Random numbers of Philox4x32-10 (Salmon et al. 2011), the same as espalier's: a number depends on key, stream and
 * position alone. */
static void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    for (int i = 0; i < 4; i++) out[i] = counter[i];
    for (int round = 0; round < 10; round++) {
        const uint64_t p = (uint64_t)0xD2511F53u * out[0], q = (uint64_t)0xCD9E8D57u * out[2];
        const uint32_t mixed0 = (uint32_t)(q >> 32) ^ out[1] ^ k0, mixed2 = (uint32_t)(p >> 32) ^ out[3] ^ k1;
        out[1] = (uint32_t)q;
        out[3] = (uint32_t)p;
        out[0] = mixed0;
        out[2] = mixed2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* The next 32 bits. */
static uint32_t next_word(random_stream *s)
{
    if (s->left == 0) {
        const uint32_t counter[4] = {s->block[0], s->block[1], s->stream[0], s->stream[1]};
        philox(counter, s->key, s->word);
        s->block[0]++;
        if (s->block[0] == 0) s->block[1]++;
        s->left = 4;
    }
    s->left--;
    return s->word[3 - s->left];
}

/* Uniform in [0, 1), 53 bits. */
static double next_uniform(random_stream *s)
{
    const uint64_t high = next_word(s) >> 5, low = next_word(s) >> 6;
    return (double)(high << 26 | low) / 9007199254740992.0;
}

/* Standard normal numbers (Box-Muller), in double so that they are the host's. */
static void draw_normals(random_stream *s, int count, float *out)
{
    for (int i = 0; i < count; i += 2) {
        const double radius = sqrt(-2.0 * log(((double)next_word(s) + 1.0) / 4294967296.0));
        const double angle = 6.283185307179586476925 / 4294967296.0 * (double)next_word(s);
        out[i] = (float)(radius * cos(angle));
        if (i + 1 < count) out[i + 1] = (float)(radius * sin(angle));
    }
}
