# cmake --install: the executable, the controller for other programs, the libraries with their headers,
# the models, a pkg-config file.
install(TARGETS espalier espalier_controller)
install(TARGETS esp_base esp_nn esp_envs esp_pruning esp_elimination esp_search esp_agent esp_autoencoder esp_report esp_viewer
  esp_study esp_pages ARCHIVE)
foreach(module base nn envs pruning elimination search agent autoencoder report viewer plugin)
  install(FILES ${module}/${module}.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/espalier/${module})
endforeach()
install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/espalier)
if(ESP_WITH_VIEWER)
  set(ESP_PC_GLFW " glfw3")
endif()
# From the folder of the pkg-config file to the prefix, so that `--prefix` works and the folder can move.
file(RELATIVE_PATH ESP_PC_UP "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file(espalier.pc.in espalier.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/espalier.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
