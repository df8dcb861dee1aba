/* Replays the example of @name@ and prints the largest difference and the time of one step. */
#include <@name@.h>
#include <@name@_example.h>

static @name@_state state;

void setup() {
  Serial.begin(115200);
  @name@_reset(&state@example_name@);
}

void loop() {
  float output[@NAME@_OUTPUTS], most = 0.0f;
  unsigned long began = micros();
  for (int step = 0; step < @NAME@_EXAMPLE_STEPS; step++) {
    @name@_step(&state, @name@_example_input[step], output);
    for (int i = 0; i < @NAME@_OUTPUTS; i++)
      most = fmaxf(most, fabsf(output[i] - @name@_example_output[step][i]));
  }
  Serial.print("us per step: ");
  Serial.print((micros() - began) / @NAME@_EXAMPLE_STEPS);
  Serial.print(", largest difference: ");
  Serial.println(most, 8);
  @name@_reset(&state@example_name@);
  delay(1000);
}
