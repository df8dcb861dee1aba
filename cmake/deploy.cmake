# Generated code consists of files of deploy/runtime (helper functions) and deploy/templates, which are embedded as
# texts in a header of the build folder: one row {"name", "text"} per file.
function(esp_embed folder out)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/deploy/${folder}/*)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  set(rows "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME)
    file(READ ${file} text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
    string(APPEND rows "    {\"${name}\",\n     \"${text}\"},\n")
  endforeach()
  set(${out} "${rows}" PARENT_SCOPE)
endfunction()

esp_embed(runtime ESP_RUNTIME_ROWS)
esp_embed(templates ESP_TEMPLATE_ROWS)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/deploy_texts/deploy_texts.h @ONLY CONTENT
"/* Made by cmake/deploy.cmake. */
static const embedded_text runtime_texts[] = {
@ESP_RUNTIME_ROWS@    {NULL, NULL}};
static const embedded_text template_texts[] = {
@ESP_TEMPLATE_ROWS@    {NULL, NULL}};
")
