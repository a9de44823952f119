package com.example.app;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/**
 * A client app that logs people in with Signet, by Spring Security. Its routes are those of
 * ../goclient. Settings: ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE, ADDR, BASE (where a browser finds
 * it).
 */
@SpringBootApplication
public class Application {

  public static void main(String[] args) {
    String addr = System.getenv("ADDR");
    int colon = addr.lastIndexOf(':');
    SpringApplication application = new SpringApplication(Application.class);
    application.setDefaultProperties(
        Map.of("server.address", addr.substring(0, colon), "server.port", addr.substring(colon + 1)));
    // After SIGTERM and an orderly end the JVM would still report 143.
    SpringApplication.getShutdownHandlers().add(() -> Runtime.getRuntime().halt(0));
    application.run(args);
  }
}
