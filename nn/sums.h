/* Sums over a row in sixteen interleaved lanes: numbers are added in the same order for vectors of any width. */
#ifndef ESP_NN_SUMS_H
#define ESP_NN_SUMS_H

/* Number of sums kept side by side. */
#define ESP_SUM_LANES 16

/* The sum of the expression TERM, which names its index, over 0 <= index < count. */
#define ESP_SUM(count, index, TERM)                                                      \
    ({                                                                                   \
        float lane_[ESP_SUM_LANES] = {0}, total_ = 0.0f;                                 \
        int whole_ = (count) / ESP_SUM_LANES * ESP_SUM_LANES;                            \
        for (int first_ = 0; first_ < whole_; first_ += ESP_SUM_LANES)                   \
            for (int l_ = 0; l_ < ESP_SUM_LANES; l_++) {                                 \
                int index = first_ + l_;                                                 \
                lane_[l_] += (TERM);                                                     \
            }                                                                            \
        for (int l_ = 0; l_ < ESP_SUM_LANES; l_++) total_ += lane_[l_];                  \
        for (int index = whole_; index < (count); index++) total_ += (TERM);             \
        total_;                                                                          \
    })

/* Functions below are inlined into those that are compiled for several instruction sets. */
#define ESP_INLINE static inline __attribute__((always_inline))

/* x[0] + ... + x[n - 1] */
ESP_INLINE float esp_sum(int n, const float *x)
{
    return ESP_SUM(n, i, x[i]);
}

/* x[0] y[0] + ... + x[n - 1] y[n - 1] */
ESP_INLINE float esp_dot(int n, const float *x, const float *y)
{
    return ESP_SUM(n, i, x[i] * y[i]);
}

/* Squared distances from the mean. */
ESP_INLINE float esp_squares(int n, const float *x, float mean)
{
    return ESP_SUM(n, i, (x[i] - mean) * (x[i] - mean));
}

#endif
