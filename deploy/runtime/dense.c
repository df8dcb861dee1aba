/* y = weights x + bias; weights [inputs][outputs]. */
static void dense(int inputs, int outputs, const float *x, const float *weights, const float *bias, float *y)
{
    begin_sums(outputs, bias, y);
    add_products(inputs, outputs, x, weights, y);
}
